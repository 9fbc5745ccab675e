/**
 * JSON shape → Kubernetes protobuf. One encoder per struct, compiled from the schema table when it is first needed.
 *
 * Which fields are written is what upstream's generated code does: a pointer when it is set, a list or map item by item,
 * anything else always, even when zero. Map entries are sorted by key.
 */
import { Buffer } from 'node:buffer';
import type { Field, FieldType, Struct } from '../schema.ts';
import { bigintOf, isRawNumber, type RawNumber } from './number.ts';
import { type ProtoWriter, sharedWriter } from './protowriter.ts';
import { parseTime, zeroTimeSeconds } from './time.ts';

type Value = unknown;
type Fields = Record<string, Value>;
/** Writes a value without its tag, with its length where its wire type needs one; undefined and null are the zero value. */
type WriteValue = (writer: ProtoWriter, value: Value) => void;
type WriteField = (writer: ProtoWriter, object: Fields) => void;

interface Codec {
  wire: 0 | 1 | 2;
  write: WriteValue;
}

const none: Fields = Object.freeze({});
const encoders = new Map<Struct, WriteField>();

/** A message of that struct as bytes; `object` is JSON-shaped and already of the struct's types. */
export function encodeProtobuf(struct: Struct, object: object): Uint8Array {
  sharedWriter.reset();
  encodeInto(sharedWriter, struct, object);
  return sharedWriter.finish();
}

/** Writes the message in front of what the writer holds. */
export function encodeInto(writer: ProtoWriter, struct: Struct, object: object): void {
  encoderOf(struct)(writer, object as Fields);
}

function encoderOf(struct: Struct): WriteField {
  let encoder = encoders.get(struct);
  if (!encoder) {
    let compiled: WriteField | undefined;
    encoder = (writer, object) => {
      compiled ??= compileMessage(
        [...struct.fields.values()].filter((field) => field.number !== undefined),
        0,
      );
      compiled(writer, object);
    };
    encoders.set(struct, encoder);
  }
  return encoder;
}

/** Fields of one message, embedded messages at `depth` gathered into one field each, in descending order of their numbers. */
function compileMessage(fields: readonly Field[], depth: number): WriteField {
  const own: { number: number; write: WriteField }[] = [];
  const embedded = new Map<number, Field[]>();
  for (const field of fields) {
    const outer = field.embedded?.[depth];
    if (outer === undefined) own.push({ number: field.number as number, write: compileField(field) });
    else embedded.set(outer, [...(embedded.get(outer) ?? []), field]);
  }
  for (const [number, inner] of embedded) {
    const write = compileMessage(inner, depth + 1);
    const tag = tagOf(number, 2);
    own.push({
      number,
      write(writer, object) {
        const before = writer.length;
        write(writer, object);
        writer.varint(writer.length - before);
        writer.varint(tag);
      },
    });
  }
  const writes = own.sort((a, b) => b.number - a.number).map(({ write }) => write);
  return (writer, object) => {
    for (let index = 0; index < writes.length; index++) (writes[index] as WriteField)(writer, object);
  };
}

const tagOf = (number: number, wire: number): number => number * 8 + wire;

function compileField(field: Field): WriteField {
  const { name, type } = field;
  const number = field.number as number;
  if (type.type === 'array' && !type.wrapped) return repeated(name, number, codecOf(type.items));
  if (type.type === 'map') return map(name, number, codecOf(type.values));
  const { wire, write } = codecOf(type);
  const tag = tagOf(number, wire);
  const whenSet = field.presence === 'pointer' || type.type === 'array' || (type.type === 'string' && type.format === 'byte');
  return (writer, object) => {
    const value = object[name];
    if (whenSet && (value === undefined || value === null)) return;
    write(writer, value);
    writer.varint(tag);
  };
}

function repeated(name: string, number: number, { wire, write }: Codec): WriteField {
  const tag = tagOf(number, wire);
  return (writer, object) => {
    const values = object[name] as Value[] | null | undefined;
    if (!values) return;
    for (let index = values.length - 1; index >= 0; index--) {
      write(writer, values[index]);
      writer.varint(tag);
    }
  };
}

function map(name: string, number: number, { wire, write }: Codec): WriteField {
  const tag = tagOf(number, 2);
  const valueTag = tagOf(2, wire);
  return (writer, object) => {
    const values = object[name] as Fields | null | undefined;
    if (!values) return;
    const keys = Object.keys(values);
    if (keys.length > 1) keys.sort();
    for (let index = keys.length - 1; index >= 0; index--) {
      const key = keys[index] as string;
      const before = writer.length;
      write(writer, values[key]);
      writer.varint(valueTag);
      writer.string(key);
      writer.varint(0x0a);
      writer.varint(writer.length - before);
      writer.varint(tag);
    }
  };
}

const message = (write: WriteValue): Codec => ({
  wire: 2,
  write(writer, value) {
    const before = writer.length;
    write(writer, value);
    writer.varint(writer.length - before);
  },
});

const int: Codec = {
  wire: 0,
  write(writer, value) {
    if (typeof value === 'number') writer.int64(value);
    else writer.int64(isRawNumber(value) ? bigintOf(value as RawNumber) : 0);
  },
};
const bool: Codec = { wire: 0, write: (writer, value) => writer.varint(value === true ? 1 : 0) };
const double: Codec = { wire: 1, write: (writer, value) => writer.double(typeof value === 'number' ? value : 0) };
const string: Codec = { wire: 2, write: (writer, value) => writer.string(typeof value === 'string' ? value : '') };
const bytes = message((writer, value) => {
  if (typeof value === 'string') writer.bytes(Buffer.from(value, 'base64'));
});
const quantity = message((writer, value) => {
  writer.string(value === undefined || value === null ? '0' : String(value));
  writer.varint(0x0a);
});
const intOrString = message((writer, value) => {
  writer.string(typeof value === 'string' ? value : '');
  writer.varint(0x1a);
  writer.int64(typeof value === 'number' ? value : 0);
  writer.varint(0x10);
  writer.varint(typeof value === 'string' ? 1 : 0);
  writer.varint(0x08);
});

const time = (micro: boolean): Codec =>
  message((writer, value) => {
    const instant = typeof value === 'string' ? parseTime(value) : undefined;
    if (!instant || instant.seconds === zeroTimeSeconds) return;
    writer.varint(micro ? instant.nanos - (instant.nanos % 1000) : 0);
    writer.varint(0x10);
    writer.int64(instant.seconds);
    writer.varint(0x08);
  });

/** `{ raw: bytes }`: JSON text, or bytes that are an encoded object already. */
const raw = message((writer, value) => {
  if (value === undefined || value === null) return;
  const before = writer.length;
  if (value instanceof Uint8Array) writer.bytes(value);
  else writer.text(JSON.stringify(value));
  writer.varint(writer.length - before);
  writer.varint(0x0a);
});

/** JSONSchemaPropsOrBool says in field 1 whether anything is allowed and has the schema in 2; the others have it in 1 and the list in 2. */
function either(struct: Struct, or: FieldType): Codec {
  const schema = message((writer, value) => encodeInto(writer, struct, value as object));
  if (or.type === 'boolean') {
    return message((writer, value) => {
      if (typeof value === 'object' && value !== null) {
        schema.write(writer, value);
        writer.varint(0x12);
      }
      writer.varint(value === false || value === undefined || value === null ? 0 : 1);
      writer.varint(0x08);
    });
  }
  const items = or.type === 'array' ? repeated('list', 2, codecOf(or.items)) : undefined;
  return message((writer, value) => {
    if (Array.isArray(value)) items?.(writer, { list: value });
    else if (typeof value === 'object' && value !== null) {
      schema.write(writer, value);
      writer.varint(0x0a);
    }
  });
}

function codecOf(type: FieldType): Codec {
  switch (type.type) {
    case 'boolean':
      return bool;
    case 'integer':
      return int;
    case 'number':
      return double;
    case 'object': {
      const encode = encoderOf(type.struct);
      return message((writer, value) => encode(writer, (value as Fields | null | undefined) ?? none));
    }
    case 'array': {
      const items = repeated('items', 1, codecOf(type.items));
      return message((writer, value) => items(writer, { items: value }));
    }
    case 'any':
      return type.either ? either(type.either.struct, type.either.or) : raw;
    case 'map':
      throw new Error('a map has no protobuf form of its own outside a field');
    case 'string':
      break;
  }
  switch (type.format) {
    case 'byte':
      return bytes;
    case 'quantity':
      return quantity;
    case 'int-or-string':
      return intOrString;
    case 'date-time':
      return time(false);
    case 'micro-time':
      return time(true);
    default:
      return string;
  }
}
