/** Schemas of custom kinds, from what their CustomResourceDefinition says. */
import { deepEqual } from '../../apimachinery/equality.ts';
import type { KindDefinition } from '../kind.ts';
import { descriptionsOf } from './descriptions.ts';
import { refNames } from './names.ts';
import { type Dialect, type Json, refTo } from './schemas.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** A struct whose words for `apiVersion` and `kind` stand for all. */
export const typeMetaSource = `${meta}.DeleteOptions`;

function typeMeta(): Json {
  const texts = descriptionsOf(typeMetaSource)?.fields;
  const field = (name: string): Json => ({ ...(texts?.has(name) ? { description: texts.get(name) } : {}), type: 'string' });
  return { apiVersion: field('apiVersion'), kind: field('kind') };
}

function metadataOf(type: 'ObjectMeta' | 'ListMeta', dialect: Dialect): Json {
  const ref = refTo(`${meta}.${type}`, dialect);
  const description = type === 'ObjectMeta' ? "Standard object's metadata." : 'Standard list metadata.';
  return dialect === 'v3' ? { allOf: [ref], description } : { ...ref, description };
}

/** What OpenAPI v2 does not know is left out, so that it allows more rather than less. */
const onlyV3 = ['nullable', 'oneOf', 'anyOf', 'allOf', 'not', 'default'];

const isFree = (schema: Json): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;
const isNullable = (schema: unknown): boolean => typeof schema === 'object' && schema !== null && (schema as Json)['nullable'] === true;
const propertiesOf = (schema: Json): Record<string, Json> => (schema['properties'] ?? {}) as Record<string, Json>;

const eitherType = [{ type: 'integer' }, { type: 'string' }];

/** That a number or a text is meant is said in words that all know, where the definition leaves them out. */
function withEitherType(schema: Json): Json {
  const [first] = (schema['allOf'] ?? []) as Json[];
  if (schema['x-kubernetes-int-or-string'] !== true || deepEqual(schema['anyOf'], eitherType) || deepEqual(first?.['anyOf'], eitherType)) return schema;
  if (schema['anyOf'] === undefined) return { ...schema, anyOf: eitherType };
  return { ...schema, allOf: [{ anyOf: eitherType }, ...((schema['allOf'] ?? []) as Json[])] };
}

/** Calls `change` for each schema below properties, items and values. */
function mapInner(schema: Json, change: (inner: Json) => Json): Json {
  const result: Json = {};
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'properties') result[name] = Object.fromEntries(Object.entries(propertiesOf(schema)).map(([field, inner]) => [field, change(inner)]));
    else if ((name === 'items' || name === 'additionalProperties') && typeof value === 'object' && value !== null) result[name] = change(value as Json);
    else result[name] = value;
  }
  return result;
}

/** A whole object below another one has what all objects have. */
function withTypeMeta(schema: Json, dialect: Dialect): Json {
  if (schema['x-kubernetes-embedded-resource'] !== true || (dialect === 'v2' && isFree(schema))) return schema;
  const required = (schema['required'] ?? []) as string[];
  return {
    ...schema,
    properties: { ...propertiesOf(schema), ...typeMeta(), metadata: metadataOf('ObjectMeta', dialect) },
    required: [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))],
  };
}

const toV3 = (schema: Json): Json => withTypeMeta(mapInner(withEitherType(schema), toV3), 'v3');

/** kubectl can't cope with some things that v2 could say: values that may be null or unknown, and lists of anything. */
function toV2(schema: Json): Json {
  const open = isFree(schema) || isNullable(schema);
  const result = Object.fromEntries(
    Object.entries(mapInner(schema, toV2)).filter(([name]) => !onlyV3.includes(name) && !(open && (name === 'properties' || name === 'items'))),
  );
  const { type } = schema;
  if (isNullable(schema) || (isFree(schema) && type === 'object') || (type === 'array' && result['items'] === undefined)) delete result['type'];
  const properties = propertiesOf(schema);
  const required = ((schema['required'] ?? []) as string[]).filter((name) => !isNullable(properties[name]));
  if (required.length === 0 || isNullable(schema['additionalProperties'])) delete result['required'];
  else result['required'] = required;
  return withTypeMeta(result, 'v2');
}

/** What is said of the object itself. Without a schema nothing is, or kubectl would take that for all there may be. */
function objectSchema(schema: Json | undefined, dialect: Dialect): Json {
  if (!schema || (dialect === 'v2' && isFree(schema))) return { type: 'object' };
  const said = dialect === 'v3' ? toV3(schema) : toV2(schema);
  return { ...said, properties: { ...propertiesOf(said), ...typeMeta(), metadata: metadataOf('ObjectMeta', dialect) } };
}

/** What stands beside the schemas of the object and its list. */
function extensionsOf({ group, version, selectableFields }: KindDefinition, kind: string): Json {
  const fields = Object.keys(selectableFields ?? {});
  return {
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
    ...(fields.length > 0 ? { 'x-kubernetes-selectable-fields': fields.map((fieldPath) => ({ fieldPath })) } : {}),
  };
}

/** The object and its list, by their names in the document. */
export function customSchemas(definition: KindDefinition, schema: Json | undefined, dialect: Dialect): Record<string, Json> {
  const { object, list } = refNames(definition);
  const { kind, plural, listKind = `${kind}List` } = definition;
  const items = { type: 'array', items: refTo(object, dialect), description: `List of ${plural}.` };
  return {
    [object]: { ...objectSchema(schema, dialect), ...extensionsOf(definition, kind) },
    [list]: {
      description: `${listKind} is a list of ${kind}`,
      type: 'object',
      required: ['items'],
      properties: { ...typeMeta(), items, metadata: metadataOf('ListMeta', dialect) },
      ...extensionsOf(definition, listKind),
    },
  };
}
