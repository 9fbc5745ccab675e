/** Schemas of custom kinds, from what their CustomResourceDefinition says. */
import type { KindDefinition } from '../kind.ts';
import { refNames } from './names.ts';
import { type Dialect, type Json, refTo } from './schemas.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const typeMeta: Json = {
  apiVersion: { type: 'string', description: 'APIVersion defines which group and version of its kind the object is written in.' },
  kind: { type: 'string', description: 'Kind is what the object is, in the words of its group and version.' },
};

function metadataOf(type: 'ObjectMeta' | 'ListMeta', dialect: Dialect): Json {
  const ref = refTo(`${meta}.${type}`, dialect);
  const description = "Standard object's metadata.";
  return dialect === 'v3' ? { allOf: [ref], description } : { ...ref, description };
}

/** What OpenAPI v2 does not know is left out, so that it allows more rather than less. */
const onlyV3 = ['nullable', 'oneOf', 'anyOf', 'allOf', 'not'];

const isFree = (schema: Json): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;
const isNullable = (schema: unknown): boolean => typeof schema === 'object' && schema !== null && (schema as Json)['nullable'] === true;

/** kubectl can't cope with some things that v2 could say: values that may be null or unknown, and lists of anything. */
function toV2(schema: Json): Json {
  const result: Json = {};
  const open = isFree(schema) || isNullable(schema);
  const properties = (schema['properties'] ?? {}) as Record<string, Json>;
  for (const [name, value] of Object.entries(schema)) {
    if (onlyV3.includes(name) || (open && (name === 'properties' || name === 'items'))) continue;
    if (name === 'properties') result[name] = Object.fromEntries(Object.entries(properties).map(([field, inner]) => [field, toV2(inner)]));
    else if (name === 'items' || name === 'additionalProperties') result[name] = typeof value === 'object' && value !== null ? toV2(value as Json) : value;
    else result[name] = value;
  }
  const { type } = schema;
  if (isNullable(schema) || (isFree(schema) && type === 'object') || (type === 'array' && result['items'] === undefined)) delete result['type'];
  const required = ((schema['required'] ?? []) as string[]).filter((name) => !isNullable(properties[name]));
  if (required.length === 0 || isNullable(schema['additionalProperties'])) delete result['required'];
  else result['required'] = required;
  return result;
}

/** What is said of the object itself. Without a schema nothing is, or kubectl would take that for all there may be. */
function objectSchema(schema: Json | undefined, dialect: Dialect): Json {
  if (!schema || (dialect === 'v2' && isFree(schema))) return { type: 'object' };
  const said = dialect === 'v3' ? schema : toV2(schema);
  return { ...said, properties: { ...(said['properties'] as Json | undefined), ...typeMeta, metadata: metadataOf('ObjectMeta', dialect) } };
}

const gvkOf = ({ group, version }: KindDefinition, kind: string): Json[] => [{ group, kind, version }];

/** The object and its list, by their names in the document. */
export function customSchemas(definition: KindDefinition, schema: Json | undefined, dialect: Dialect): Record<string, Json> {
  const { object, list } = refNames(definition);
  const listKind = definition.listKind ?? `${definition.kind}List`;
  return {
    [object]: { ...objectSchema(schema, dialect), 'x-kubernetes-group-version-kind': gvkOf(definition, definition.kind) },
    [list]: {
      description: `${listKind} is a list of ${definition.kind}`,
      type: 'object',
      required: ['items'],
      properties: { ...typeMeta, items: { type: 'array', items: refTo(object, dialect) }, metadata: metadataOf('ListMeta', dialect) },
      'x-kubernetes-group-version-kind': gvkOf(definition, listKind),
    },
  };
}
