/**
 * What is known of a type: the resolved form of the generated schema table and of a CustomResourceDefinition's schema.
 * Codecs, structural validation, patches, field ownership and the OpenAPI documents all read this one form.
 * Types refer to each other directly and may be cyclic (JSONSchemaProps).
 */

export type Scalar =
  | { type: 'string'; format?: StringFormat; enum?: readonly string[] }
  | { type: 'boolean' }
  | { type: 'integer'; format: 'int32' | 'int64' }
  | { type: 'number'; format?: 'float' | 'double' };

/**
 * `byte` is base64 of bytes; `quantity` and `int-or-string` may stand as a number too; the two times are RFC 3339.
 */
export type StringFormat = 'date-time' | 'micro-time' | 'byte' | 'quantity' | 'int-or-string' | 'duration';

export interface ArrayType {
  type: 'array';
  items: FieldType;
  /** How server-side apply merges the list; absent means `atomic`. */
  list: 'atomic' | 'set' | 'map';
  /** With `map`: the fields that make an item's identity. */
  keys?: readonly string[];
}

export interface MapType {
  type: 'map';
  values: FieldType;
  atomic?: boolean;
}

export interface ObjectRef {
  type: 'object';
  struct: Struct;
}

/** Any JSON: RawExtension, FieldsV1, JSON, `x-kubernetes-preserve-unknown-fields`. */
export interface AnyType {
  type: 'any';
}

export type FieldType = Scalar | ArrayType | MapType | ObjectRef | AnyType;

export interface Field {
  name: string;
  type: FieldType;
  required?: boolean;
  /** Protobuf field number; absent where the type has no protobuf form. */
  number?: number;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`, or two of them. */
  patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[];
  patchMergeKey?: string;
}

export interface Struct {
  /** The name in the OpenAPI document, e.g. `io.k8s.api.core.v1.PodSpec`; empty for an anonymous type of a custom resource. */
  name: string;
  fields: ReadonlyMap<string, Field>;
  /** Server-side apply treats the whole as one value. */
  atomic?: boolean;
  /** Unknown fields are kept (custom resources, RawExtension). */
  preserveUnknown?: boolean;
}
