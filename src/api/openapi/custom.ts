/** Schemas of custom kinds, from what their CustomResourceDefinition says. */
import type { KindDefinition } from '../kind.ts';
import { refNames } from './names.ts';
import { type Dialect, type Json, refTo } from './schemas.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const typeMeta: Json = {
  apiVersion: { type: 'string', description: 'The group and version of this representation.' },
  kind: { type: 'string', description: 'What this object is.' },
};

function metadataOf(type: 'ObjectMeta' | 'ListMeta', dialect: Dialect): Json {
  const ref = refTo(`${meta}.${type}`, dialect);
  const description = "Standard object's metadata.";
  return dialect === 'v3' ? { allOf: [ref], description } : { ...ref, description };
}

/** What OpenAPI v2 does not know is left out, so that it allows more rather than less. */
const onlyV3 = ['nullable', 'oneOf', 'anyOf', 'allOf', 'not', 'default', 'x-kubernetes-validations', 'x-kubernetes-embedded-resource'];

function toV2(schema: Json): Json {
  const result: Json = {};
  const free = schema['x-kubernetes-preserve-unknown-fields'] === true;
  for (const [name, value] of Object.entries(schema)) {
    if (onlyV3.includes(name)) continue;
    if (name === 'properties') {
      if (!free) result[name] = Object.fromEntries(Object.entries(value as Record<string, Json>).map(([field, inner]) => [field, toV2(inner)]));
    } else if (name === 'items' || name === 'additionalProperties') {
      if (!free) result[name] = typeof value === 'object' && value !== null ? toV2(value as Json) : value;
    } else result[name] = value;
  }
  // A value that may be null, or of two types, can't be said.
  if (schema['nullable'] === true || schema['x-kubernetes-int-or-string'] === true) delete result['type'];
  return result;
}

const gvkOf = ({ group, version }: KindDefinition, kind: string): Json[] => [{ group, kind, version }];

/** The object and its list, by their names in the document. */
export function customSchemas(definition: KindDefinition, schema: Json | undefined, dialect: Dialect): Record<string, Json> {
  const { object, list } = refNames(definition);
  const own = schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const said = dialect === 'v3' ? own : toV2(own);
  const listKind = definition.listKind ?? `${definition.kind}List`;
  const properties = said['properties'] as Json | undefined;
  return {
    [object]: {
      ...said,
      ...(properties || !schema ? { properties: { ...properties, ...typeMeta, metadata: metadataOf('ObjectMeta', dialect) } } : {}),
      'x-kubernetes-group-version-kind': gvkOf(definition, definition.kind),
    },
    [list]: {
      description: `${listKind} is a list of ${definition.kind}`,
      type: 'object',
      required: ['items'],
      properties: { ...typeMeta, items: { type: 'array', items: refTo(object, dialect) }, metadata: metadataOf('ListMeta', dialect) },
      'x-kubernetes-group-version-kind': gvkOf(definition, listKind),
    },
  };
}
