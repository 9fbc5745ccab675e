/** Types as JSON schemas: OpenAPI v3 components and v2 definitions. */
import type { ArrayType, Field, FieldType, Scalar, Struct } from '../../apimachinery/schema.ts';
import { descriptionsOf } from './descriptions.ts';

export type Json = Record<string, unknown>;
export type Dialect = 'v2' | 'v3';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const rawExtension = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Types that upstream's documents name, and that are no structs here. */
const named: Record<string, Record<Dialect, Json>> = {
  [`${meta}.Time`]: same({ description: 'A point in time, as RFC 3339 with whole seconds.', type: 'string', format: 'date-time' }),
  [`${meta}.MicroTime`]: same({ description: 'A point in time, as RFC 3339 with microseconds.', type: 'string', format: 'date-time' }),
  [`${meta}.Duration`]: same({ description: 'A length of time such as 1h30m.', type: 'string' }),
  [`${meta}.FieldsV1`]: same({ description: 'A set of fields, as a tree of their names.', type: 'object' }),
  [`${meta}.Patch`]: same({ description: 'A patch, of the kind that the content type says.', type: 'object' }),
  [rawExtension]: same({ description: 'Any object.', type: 'object' }),
  [`${extensions}.JSON`]: same({ description: 'Any JSON value.' }),
  [`${extensions}.JSONSchemaPropsOrArray`]: same({ description: 'A JSON schema, or a list of them.' }),
  [`${extensions}.JSONSchemaPropsOrBool`]: same({ description: 'A JSON schema, or whether anything is allowed.' }),
  [`${extensions}.JSONSchemaPropsOrStringArray`]: same({ description: 'A JSON schema, or a list of texts.' }),
  [quantity]: {
    v2: { description: 'An amount such as 500m, 1.5 or 2Gi.', type: 'string' },
    v3: { description: 'An amount such as 500m, 1.5 or 2Gi.', oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
  [intOrString]: {
    v2: { description: 'A number, or a text such as 25% or the name of a port.', type: 'string', format: 'int-or-string' },
    v3: {
      description: 'A number, or a text such as 25% or the name of a port.',
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    },
  },
};

function same(schema: Json): Record<Dialect, Json> {
  return { v2: schema, v3: schema };
}

export const namedSchema = (name: string, dialect: Dialect): Json | undefined => named[name]?.[dialect];
export const patchType = `${meta}.Patch`;

const prefix: Record<Dialect, string> = { v2: '#/definitions/', v3: '#/components/schemas/' };
export const refTo = (name: string, dialect: Dialect): Json => ({ $ref: `${prefix[dialect]}${name}` });

/** A JSON schema or something else, by what else it is. */
function eitherName(or: FieldType): string {
  if (or.type === 'boolean') return `${extensions}.JSONSchemaPropsOrBool`;
  return or.type === 'array' && or.items.type === 'string' ? `${extensions}.JSONSchemaPropsOrStringArray` : `${extensions}.JSONSchemaPropsOrArray`;
}

/** The name under which a field's type stands in the document, where it has one. */
function nameOf(type: FieldType): string | undefined {
  if (type.type === 'object') return type.struct.name === '' ? undefined : type.struct.name;
  if (type.type === 'any') {
    if (type.either) return eitherName(type.either.or);
    if (type.form === 'raw-extension') return rawExtension;
    if (type.form === 'fields') return `${meta}.FieldsV1`;
    return type.form === 'json' ? `${extensions}.JSON` : undefined;
  }
  if (type.type !== 'string') return undefined;
  switch (type.format) {
    case 'quantity':
      return quantity;
    case 'int-or-string':
      return intOrString;
    case 'date-time':
      return `${meta}.Time`;
    case 'micro-time':
      return `${meta}.MicroTime`;
    case 'duration':
      return `${meta}.Duration`;
    default:
      return undefined;
  }
}

function scalarSchema(type: Scalar): Json {
  if (type.type === 'string') return { type: 'string', ...(type.format ? { format: type.format } : {}), ...(type.enum ? { enum: type.enum } : {}) };
  if (type.type === 'boolean') return { type: 'boolean' };
  return { type: type.type, ...(type.format ? { format: type.format } : {}) };
}

function typeSchema(type: FieldType, dialect: Dialect): Json {
  const name = nameOf(type);
  if (name !== undefined) return refTo(name, dialect);
  switch (type.type) {
    case 'array':
      return { type: 'array', items: typeSchema(type.items, dialect), ...listExtensions(type) };
    case 'map': {
      const schema: Json = { type: 'object', additionalProperties: typeSchema(type.values, dialect) };
      if (type.atomic !== undefined) schema['x-kubernetes-map-type'] = type.atomic ? 'atomic' : 'granular';
      return schema;
    }
    case 'object':
      return structSchema(type.struct, dialect);
    case 'any':
      return type.form === undefined && !type.either ? { 'x-kubernetes-preserve-unknown-fields': true } : {};
    default:
      return scalarSchema(type);
  }
}

function listExtensions({ list, keys, inferred }: ArrayType): Json {
  if (inferred) return {};
  return { ...(keys ? { 'x-kubernetes-list-map-keys': keys } : {}), 'x-kubernetes-list-type': list };
}

/** What a field that is always there starts as. */
function presetOf({ type, presence, default: preset }: Field): unknown {
  if (preset !== undefined) return preset;
  if (presence !== 'always') return undefined;
  if (type.type === 'object') return {};
  if (type.type === 'integer' || type.type === 'number') return 0;
  if (type.type === 'boolean') return false;
  return type.type === 'string' && type.format === undefined ? '' : undefined;
}

function fieldSchema(field: Field, description: string | undefined, dialect: Dialect): Json {
  let schema = typeSchema(field.type, dialect);
  const beside: Json = {};
  if (description) beside['description'] = description;
  if (dialect === 'v3') {
    const preset = presetOf(field);
    if (preset !== undefined) beside['default'] = preset;
  }
  if (field.patchStrategy) beside['x-kubernetes-patch-strategy'] = field.patchStrategy.join(',');
  if (field.patchMergeKey) beside['x-kubernetes-patch-merge-key'] = field.patchMergeKey;
  if (field.type.type === 'object' && field.type.atomic !== undefined) beside['x-kubernetes-map-type'] = field.type.atomic ? 'atomic' : 'granular';
  if (schema['$ref'] !== undefined && dialect === 'v3' && Object.keys(beside).length > 0) schema = { allOf: [schema] };
  return { ...schema, ...beside };
}

/** Fields of which upstream says nothing; the declarations have their types' words there. */
const undescribed: Readonly<Record<string, readonly string[]>> = {
  [`${extensions}.JSONSchemaProps`]: ['additionalItems', 'additionalProperties', 'example', 'externalDocs', 'items', 'not'],
  'io.k8s.api.networking.v1.IngressRule': ['http'],
};

/** What the document says and the schema table has no place for: a list type of bytes. */
const besides: Readonly<Record<string, Json>> = {
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec.caBundle': { 'x-kubernetes-list-type': 'atomic' },
};

/** The declarations say nothing of fields that are objects; what the type is says more than nothing. */
const typeText = ({ type }: Field): string | undefined => (type.type === 'object' ? descriptionsOf(type.struct.name)?.type : undefined);

/**
 * The schema of a struct; texts that were loaded are in it. `named` says of which of its kinds the document knows, of those
 * that are in many groups.
 */
export function structSchema(struct: Struct, dialect: Dialect, named: (kind: string) => boolean = () => true): Json {
  const texts = descriptionsOf(struct.name);
  const properties: Json = {};
  const required: string[] = [];
  for (const field of struct.fields.values()) {
    const text = undescribed[struct.name]?.includes(field.name) ? undefined : (texts?.fields.get(field.name) ?? typeText(field));
    const schema = fieldSchema(field, text, dialect);
    properties[field.name] = { ...schema, ...besides[`${struct.name}.${field.name}`] };
    if (field.required) required.push(field.name);
  }
  const schema: Json = { ...(texts?.type ? { description: texts.type } : {}), type: 'object' };
  if (struct.fields.size > 0) schema['properties'] = properties;
  if (required.length > 0) schema['required'] = required;
  if (struct.atomic) schema['x-kubernetes-map-type'] = 'atomic';
  if (struct.preserveUnknown) schema['x-kubernetes-preserve-unknown-fields'] = true;
  if (struct.unions) schema['x-kubernetes-unions'] = struct.unions;
  if (struct.kinds) schema['x-kubernetes-group-version-kind'] = (struct.kinds.length === 1 ? struct.kinds : struct.kinds.filter(named)).map(gvkOf);
  return schema;
}

export function gvkOf(text: string): Json {
  const [kind = '', version = '', ...group] = text.split('/').reverse();
  return { group: group.reverse().join('/'), kind, version };
}

/** Every struct that is reached from these, themselves included, and the names of types that are no structs. */
export function reachable(roots: readonly Struct[]): { structs: Map<string, Struct>; named: Set<string> } {
  const structs = new Map<string, Struct>();
  const names = new Set<string>();
  const visitType = (type: FieldType): void => {
    const name = nameOf(type);
    if (type.type === 'object') visit(type.struct);
    else if (type.type === 'array') visitType(type.items);
    else if (type.type === 'map') visitType(type.values);
    else if (name !== undefined) names.add(name);
    if (type.type === 'any' && type.either) {
      visit(type.either.struct);
      visitType(type.either.or);
    }
  };
  const visit = (struct: Struct): void => {
    if (struct.name !== '') {
      if (structs.has(struct.name)) return;
      structs.set(struct.name, struct);
    }
    for (const { type } of struct.fields.values()) visitType(type);
  };
  for (const root of roots) visit(root);
  return { structs, named: names };
}
