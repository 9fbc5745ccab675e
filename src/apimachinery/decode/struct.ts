/** Decoders of structs and of every type that a field may have, compiled once per struct. */
import type { Field, FieldType, Struct } from '../schema.ts';
import { zeroOf, zeroOfAlways } from '../zero.ts';
import { typeMismatch, valueKind } from './errors.ts';
import { decodeScalar } from './scalar.ts';
import '../own.ts';

type Fields = Record<string, unknown>;

export interface Context {
  /** Paths of unknown fields; undefined when nobody asks. */
  unknown: string[] | undefined;
  /** Where the decoder stands, ready to be joined: `spec`, `.template`, `[0]`. */
  path: string[];
  /** The same as names of fields only. */
  fields: string[];
}

/** Undefined counts as absent. */
export type Decode = (value: unknown, context: Context) => unknown;
type DecodeStruct = (object: Fields, context: Context) => Fields;

/** What an error message says of the place where a value stands. */
export interface Site {
  /** The innermost struct's Go name: `PodSpec`. */
  struct: string;
  /** The field's name; a list's items and a map's values have their field's. */
  field: string;
  goType: string;
}

interface FieldDecoder {
  field: Field;
  decode: Decode;
  dropsZero: boolean;
  keepsNull: boolean;
}

const decoders = new WeakMap<Struct, DecodeStruct>();

export function decoderOf(struct: Struct): DecodeStruct {
  let decoder = decoders.get(struct);
  if (!decoder) {
    let compiled: DecodeStruct | undefined;
    decoder = (object, context) => (compiled ??= compile(struct))(object, context);
    decoders.set(struct, decoder);
  }
  return decoder;
}

function compile(struct: Struct): DecodeStruct {
  const known = new Map([...struct.fields.values()].map((field) => [field.name, fieldDecoder(struct, field)]));
  const always = [...struct.fields.values()].filter((field) => field.presence === 'always');
  return (object, context) => {
    const result: Fields = {};
    for (const name of Object.keys(object)) {
      const entry = known.get(name);
      const value = object[name];
      if (!entry) {
        if (struct.preserveUnknown) result[name] = value;
        else context.unknown?.push(pathTo(context, name));
        continue;
      }
      if (value === null) {
        if (entry.keepsNull) result[name] = null;
        continue;
      }
      const decoded = entry.decode(value, context);
      if (decoded === undefined || (entry.dropsZero && isZero(decoded))) continue;
      result[name] = decoded;
    }
    for (let index = 0; index < always.length; index++) {
      const { name, type } = always[index] as Field;
      if (result[name] !== undefined) continue;
      const zero = zeroOfAlways(type);
      if (zero !== undefined) result[name] = zero;
    }
    return result;
  };
}

const pathTo = (context: Context, name: string): string => (context.path.length === 0 ? name : `${context.path.join('')}.${name}`);

function fieldDecoder(struct: Struct, field: Field): FieldDecoder {
  const site: Site = { struct: struct.name.slice(struct.name.lastIndexOf('.') + 1), field: field.name, goType: field.goType ?? goTypeOf(field.type) };
  const decode = decodeType(field.type, site);
  const nested = field.type.type !== 'string' && field.type.type !== 'boolean' && field.type.type !== 'integer' && field.type.type !== 'number';
  return {
    field,
    decode: nested ? inField(field.name, decode) : decode,
    dropsZero: field.presence === 'omitempty' && field.type.type !== 'object',
    keepsNull: field.presence === undefined,
  };
}

/** Keeps the context's path right while a field with structure is decoded. */
function inField(name: string, decode: Decode): Decode {
  const segment = `.${name}`;
  return (value, context) => {
    context.path.push(context.path.length === 0 ? name : segment);
    context.fields.push(name);
    const decoded = decode(value, context);
    context.path.pop();
    context.fields.pop();
    return decoded;
  };
}

function isZero(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return Object.getPrototypeOf(value) !== null;
}

/** For types with structure the context already stands at the field. */
const mismatch = (value: unknown, site: Site, context: Context): Error => typeMismatch(valueKind(value), site.goType, site.struct, context.fields);

function decodeType(type: FieldType, site: Site): Decode {
  switch (type.type) {
    case 'object':
      return objectDecoder(type.struct, site);
    case 'array':
      return arrayDecoder(type.items, site);
    case 'map':
      return mapDecoder(type.values, site);
    case 'any':
      return type.either ? eitherDecoder(type.either.struct, type.either.or, site) : (value) => value;
    default:
      return decodeScalar(type, site);
  }
}

function objectDecoder(struct: Struct, site: Site): Decode {
  const decode = decoderOf(struct);
  return (value, context) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, site, context);
    return decode(value as Fields, context);
  };
}

function arrayDecoder(items: FieldType, site: Site): Decode {
  const decode = decodeType(items, itemSite(items, site));
  const structured = items.type === 'object' || items.type === 'array' || items.type === 'map';
  return (value, context) => {
    if (!Array.isArray(value)) throw mismatch(value, site, context);
    const result: unknown[] = new Array(value.length);
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (item === null) {
        result[index] = zeroOf(items) ?? null;
        continue;
      }
      if (structured) context.path.push(`[${index}]`);
      result[index] = decode(item, context);
      if (structured) context.path.pop();
    }
    return result;
  };
}

function mapDecoder(values: FieldType, site: Site): Decode {
  const decode = decodeType(values, itemSite(values, site));
  return (value, context) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, site, context);
    const given = value as Fields;
    const result: Fields = {};
    for (const key of Object.keys(given)) {
      const item = given[key];
      context.path.push(`.${key}`);
      const decoded = item === null ? (zeroOf(values) ?? null) : decode(item, context);
      context.path.pop();
      result[key] = decoded;
    }
    return result;
  };
}

function eitherDecoder(struct: Struct, or: FieldType, site: Site): Decode {
  const decode = decoderOf(struct);
  const other = decodeType(or, itemSite(or, site));
  return (value, context) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      // Upstream decodes this part on its own and does not look for unknown fields there.
      return decode(value as Fields, { unknown: undefined, path: [], fields: [] });
    }
    return other(value, context);
  };
}

/** `[]v1.Foo` → `v1.Foo`, where the field names its Go type; else what follows from the type. */
function itemSite(items: FieldType, site: Site): Site {
  const named = /^(?:\[\]|map\[[^\]]*\])\*?(.*)$/.exec(site.goType)?.[1];
  return { ...site, goType: named ?? goTypeOf(items) };
}

function goTypeOf(type: FieldType): string {
  switch (type.type) {
    case 'boolean':
      return 'bool';
    case 'integer':
      return type.format;
    case 'number':
      return 'float64';
    case 'array':
      return `[]${goTypeOf(type.items)}`;
    case 'map':
      return `map[string]${goTypeOf(type.values)}`;
    case 'object':
      return type.struct.name.split('.').slice(-2).join('.');
    case 'any':
      return 'interface {}';
    case 'string':
      return type.format === 'byte' ? '[]uint8' : 'string';
  }
}
