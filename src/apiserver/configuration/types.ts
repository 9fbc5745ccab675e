/** Shapes of the server's configuration files, in the terms of the schema table, so that they are decoded as strictly as requests are. */
import type { ArrayType, FieldType, MapType, ObjectRef, Scalar, Struct } from '../../apimachinery/schema.ts';

export const string: Scalar = { type: 'string' };
/** As Go writes it: `5m`. */
export const duration: Scalar = { type: 'string', format: 'duration' };
export const boolean: Scalar = { type: 'boolean' };
export const integer: Scalar = { type: 'integer', format: 'int32' };

export const listOf = (items: FieldType): ArrayType => ({ type: 'array', items, list: 'atomic' });
export const mapOf = (values: FieldType): MapType => ({ type: 'map', values });

/** `name` is the Go type that decoding errors mention. An explicit null is as if absent. */
export function object(name: string, fields: Readonly<Record<string, FieldType>>): ObjectRef {
  const struct: Struct = {
    name,
    fields: new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type, presence: 'pointer' }])),
  };
  return { type: 'object', struct };
}

/** The root of a file: the fields, and which kind it is. */
export const root = (name: string, fields: Readonly<Record<string, FieldType>>): Struct => object(name, { apiVersion: string, kind: string, ...fields }).struct;
