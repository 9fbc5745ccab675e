/**
 * What is known of a type: the resolved form of the generated schema table and of a CustomResourceDefinition's schema.
 * Codecs, structural validation, patches, field ownership and the OpenAPI documents all read this one form.
 * Types refer to each other directly and may be cyclic (JSONSchemaProps).
 */

/** `enum` is what the documents name; whether a value is one of them is for validation to say. */
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
  /** `list` comes from the patch strategy, the document names no list type. */
  inferred?: boolean;
  /** In protobuf the list is a message of its own (a named list type of Go). */
  wrapped?: boolean;
}

export interface MapType {
  type: 'map';
  values: FieldType;
  /** Absent means that nothing is declared, which merges as `false` does. */
  atomic?: boolean;
}

export interface ObjectRef {
  type: 'object';
  struct: Struct;
  /** Overrides the struct's own `atomic` at this field. */
  atomic?: boolean;
}

/** Any JSON: RawExtension, FieldsV1, JSON, `x-kubernetes-preserve-unknown-fields`. */
export interface AnyType {
  type: 'any';
  /** Which of upstream's types it is. */
  form?: 'raw-extension' | 'fields' | 'json' | 'patch';
  /** A value of two shapes: an object of this struct, or else the other type (`items` of a JSON schema). */
  either?: { struct: Struct; or: FieldType };
}

export type FieldType = Scalar | ArrayType | MapType | ObjectRef | AnyType;

/**
 * `pointer`: absent stays absent and an empty value is a value; `omitempty`: an empty value is as if absent;
 * `always`: present even when empty.
 */
export type Presence = 'pointer' | 'omitempty' | 'always';

export interface Field {
  name: string;
  type: FieldType;
  required?: boolean;
  /** Protobuf field number; absent where the type has no protobuf form. */
  number?: number;
  /** Numbers of the embedded messages that enclose this field in protobuf, outermost first; in JSON they are not seen. */
  embedded?: readonly number[];
  /** What an absent and an empty value mean; absent for a type that is no Go struct (custom resources): all is kept as given. */
  presence?: Presence;
  /** A pointer that is shown as `null` where it is absent. */
  nullable?: boolean;
  /** The Go type that decoding errors mention, where it does not follow from `type`: `v1.Protocol`. */
  goType?: string;
  /** The default that the schema itself declares (OpenAPI v3, keys of lists in server-side apply). */
  default?: unknown;
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
  /** `group/version/Kind` of each kind that it is the schema of. */
  kinds?: readonly string[];
  /** `x-kubernetes-unions` as the OpenAPI document says it. */
  unions?: unknown;
}
