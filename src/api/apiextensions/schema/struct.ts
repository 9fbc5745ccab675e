/** The schema that a CustomResourceDefinition declares, as the resolved form that patches, field ownership and codecs read. */

import type { ArrayType, Field, FieldType, Struct } from '../../../apimachinery/schema.ts';
import { structOf } from '../../schema.ts';
import type { JSONSchemaProps } from '../v1/types.gen.ts';

export const objectMetaStruct = (): Struct => structOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

const typeMeta: readonly Field[] = [
  { name: 'apiVersion', type: { type: 'string' } },
  { name: 'kind', type: { type: 'string' } },
];

const metadataField = (): Field => ({ name: 'metadata', type: { type: 'object', struct: objectMetaStruct() } });

export const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === 'object' && value !== null && !Array.isArray(value);

export const itemsOf = ({ items }: JSONSchemaProps): JSONSchemaProps | undefined => (Array.isArray(items) ? items[0] : items);

export const preserves = (schema: JSONSchemaProps): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;

function fieldsOf(schema: JSONSchemaProps): Map<string, Field> {
  const fields = new Map<string, Field>();
  if (schema['x-kubernetes-embedded-resource']) for (const field of [...typeMeta, metadataField()]) fields.set(field.name, field);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (fields.has(name)) continue;
    const field: Field = { name, type: typeOf(inner) };
    if (inner.default !== undefined) field.default = inner.default;
    fields.set(name, field);
  }
  return fields;
}

function structWith(fields: Map<string, Field>, schema: JSONSchemaProps): Struct {
  return {
    name: '',
    fields,
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...(preserves(schema) ? { preserveUnknown: true } : {}),
  };
}

function listOf(schema: JSONSchemaProps): Pick<ArrayType, 'list' | 'keys'> {
  const list = schema['x-kubernetes-list-type'];
  if (list === 'set') return { list };
  if (list === 'map') return { list, keys: schema['x-kubernetes-list-map-keys'] ?? [] };
  return { list: 'atomic' };
}

function typeOf(schema: JSONSchemaProps): FieldType {
  if (schema['x-kubernetes-int-or-string']) return { type: 'string', format: 'int-or-string' };
  switch (schema.type) {
    case 'object':
      if (isSchema(schema.additionalProperties)) {
        const atomic = schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {};
        return { type: 'map', values: typeOf(schema.additionalProperties), ...atomic };
      }
      return { type: 'object', struct: structWith(fieldsOf(schema), schema) };
    case 'array': {
      const items = itemsOf(schema);
      return { type: 'array', items: items ? typeOf(items) : { type: 'any' }, ...listOf(schema) };
    }
    case 'string':
    case 'boolean':
      return { type: schema.type };
    case 'integer':
      return { type: 'integer', format: 'int64' };
    case 'number':
      return { type: 'number', format: 'double' };
    default:
      return { type: 'any' };
  }
}

/** The struct of whole objects. A definition without a schema keeps everything. */
export function structOfSchema(schema: JSONSchemaProps | undefined): Struct {
  const root = schema ?? { 'x-kubernetes-preserve-unknown-fields': true };
  const fields = fieldsOf({ ...root, 'x-kubernetes-embedded-resource': true });
  return structWith(fields, root);
}
