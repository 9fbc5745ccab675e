/**
 * Kubernetes protobuf → JSON shape. One decoder per struct, compiled from the schema table when it is first needed.
 * The result is what upstream's JSON would be: zero values of `omitempty` fields are left out, others are filled in
 * (an absent list as `[]`, never `null`). Unknown field numbers are skipped.
 */
import { Buffer } from 'node:buffer';
import { canonicalQuantity } from '../quantity.ts';
import type { Field, FieldType, Struct } from '../schema.ts';
import { zeroOf, zeroOfAlways } from '../zero.ts';
import { ProtoReader } from './protoreader.ts';
import { formatMicroTime, formatTime, zeroTimeSeconds } from './time.ts';
import '../own.ts';

type Fields = Record<string, unknown>;
/** Reads one value; for messages, strings and bytes the reader stands before the length. */
type ReadValue = (reader: ProtoReader) => unknown;
type ReadField = (reader: ProtoReader, into: Fields, wire: number) => void;

/** By field number. */
type FieldReaders = readonly ({ name: string; wire: number; packed: boolean; read: ReadField } | undefined)[];

const varintWire = 0;
const doubleWire = 1;
const bytesWire = 2;

interface MessageDecoder {
  fields: FieldReaders;
  /** Fills in what JSON always has. */
  complete(into: Fields): void;
}

const decoders = new Map<Struct, MessageDecoder>();

/** The message as a JSON-shaped object; throws an Error for bytes that are no such message. */
export function decodeProtobuf(struct: Struct, bytes: Uint8Array): Record<string, unknown> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return decodeMessage(struct, new ProtoReader(buffer, 0, buffer.length));
}

function decodeMessage(struct: Struct, reader: ProtoReader): Fields {
  let decoder = decoders.get(struct);
  if (!decoder) {
    decoder = compile(struct);
    decoders.set(struct, decoder);
  }
  const into: Fields = {};
  readFields(reader, decoder.fields, into);
  decoder.complete(into);
  return into;
}

function readFields(reader: ProtoReader, fields: FieldReaders, into: Fields): void {
  while (!reader.done) {
    const tag = reader.varint();
    const wire = tag & 7;
    const field = fields[tag >>> 3];
    if (!field) reader.skip(wire);
    else if (wire === field.wire || (field.packed && wire === bytesWire)) field.read(reader, into, wire);
    else throw new Error(`proto: wrong wireType = ${wire} for field ${field.name}`);
  }
}

function wireOf(type: FieldType): number {
  if (type.type === 'array' && !type.wrapped) return wireOf(type.items);
  if (type.type === 'boolean' || type.type === 'integer') return varintWire;
  return type.type === 'number' ? doubleWire : bytesWire;
}

const goName = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function compile(struct: Struct): MessageDecoder {
  const all = [...struct.fields.values()];
  const always = all.filter((field) => field.presence === 'always' && field.number !== undefined);
  return {
    fields: compileFields(
      all.filter((field) => field.number !== undefined),
      0,
    ),
    complete(into) {
      for (const field of always) {
        if (into[field.name] !== undefined) continue;
        const zero = zeroOfAlways(field.type);
        if (zero !== undefined) into[field.name] = zero;
      }
    },
  };
}

/** By field number; an embedded message is read into the object that embeds it. */
function compileFields(fields: readonly Field[], depth: number): FieldReaders {
  const byNumber: FieldReaders[number][] = [];
  const embedded = new Map<number, Field[]>();
  for (const field of fields) {
    const outer = field.embedded?.[depth];
    if (outer === undefined) {
      const { type } = field;
      const wire = wireOf(type);
      const packed = type.type === 'array' && !type.wrapped && wire !== bytesWire;
      byNumber[field.number as number] = { name: goName(field.name), wire, packed, read: compileField(field) };
    } else embedded.set(outer, [...(embedded.get(outer) ?? []), field]);
  }
  for (const [number, inner] of embedded) {
    const innerFields = compileFields(inner, depth + 1);
    const read: ReadField = (reader, into) => readFields(reader.message(), innerFields, into);
    byNumber[number] = { name: '', wire: bytesWire, packed: false, read };
  }
  return byNumber;
}

function compileField(field: Field): ReadField {
  const { name, type } = field;
  if (type.type === 'array' && !type.wrapped) {
    const read = readerOf(type.items);
    const ownWire = wireOf(type.items);
    return (reader, into, wire) => {
      const list = (into[name] ??= []) as unknown[];
      if (wire === ownWire) list.push(read(reader) ?? null);
      else for (const packed = reader.message(); !packed.done; ) list.push(read(packed));
    };
  }
  if (type.type === 'map') return compileMap(name, type.values);
  const read = readerOf(type);
  const dropsZero = field.presence === 'omitempty' && type.type !== 'object';
  return (reader, into) => {
    const value = read(reader);
    if (value === undefined || (dropsZero && isZero(value))) return;
    into[name] = value;
  };
}

function compileMap(name: string, values: FieldType): ReadField {
  const read = readerOf(values);
  return (reader, into) => {
    const entries = (into[name] ??= {}) as Fields;
    const entry = reader.message();
    let key = '';
    let value: unknown;
    while (!entry.done) {
      const tag = entry.varint();
      if (tag >>> 3 === 1) key = entry.string();
      else if (tag >>> 3 === 2) value = read(entry);
      else entry.skip(tag & 7);
    }
    entries[key] = value === undefined ? (zeroOf(values) ?? null) : value;
  };
}

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);

function readTimestamp(reader: ProtoReader): { seconds: number; nanos: number } | undefined {
  const inner = reader.message();
  if (inner.done) return undefined;
  let seconds = 0;
  let nanos = 0;
  while (!inner.done) {
    const tag = inner.varint();
    if (tag === 0x08) seconds = Number(inner.int64());
    else if (tag === 0x10) nanos = inner.int32();
    else inner.skip(tag & 7);
  }
  return seconds === zeroTimeSeconds && nanos === 0 ? undefined : { seconds, nanos };
}

/** Reads the fields of a small message of upstream's own types. */
function readEntries(reader: ProtoReader, read: Record<number, (inner: ProtoReader) => void>): void {
  const inner = reader.message();
  while (!inner.done) {
    const tag = inner.varint();
    const field = read[tag >>> 3];
    if (field) field(inner);
    else inner.skip(tag & 7);
  }
}

function readQuantity(reader: ProtoReader): string {
  let text = '0';
  readEntries(reader, { 1: (inner) => (text = inner.string()) });
  return canonicalQuantity(text);
}

function readIntOrString(reader: ProtoReader): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  readEntries(reader, { 1: (inner) => (isString = inner.varint() === 1), 2: (inner) => (number = inner.int32()), 3: (inner) => (text = inner.string()) });
  return isString ? text : number;
}

/** JSON text becomes its value; anything else (an encoded object) stays bytes. */
function readRaw(reader: ProtoReader): unknown {
  let raw: Buffer | undefined;
  readEntries(reader, { 1: (inner) => (raw = inner.bytes()) });
  if (raw === undefined || raw.length === 0) return undefined;
  return raw[0] === 0x6b && raw[3] === 0 ? new Uint8Array(raw) : JSON.parse(raw.toString('utf8'));
}

function eitherReader(struct: Struct, or: FieldType): ReadValue {
  const schema: ReadValue = (reader) => decodeMessage(struct, reader.message());
  if (or.type === 'boolean') {
    return (reader) => {
      let value: unknown = false;
      readEntries(reader, {
        1: (inner) => {
          if (value === false) value = inner.varint() === 1;
          else inner.skip(0);
        },
        2: (inner) => (value = schema(inner)),
      });
      return value;
    };
  }
  const item = or.type === 'array' ? readerOf(or.items) : schema;
  return (reader) => {
    let value: unknown;
    const list: unknown[] = [];
    readEntries(reader, { 1: (inner) => (value = schema(inner)), 2: (inner) => list.push(item(inner)) });
    return value ?? list;
  };
}

function readerOf(type: FieldType): ReadValue {
  switch (type.type) {
    case 'boolean':
      return (reader) => reader.varint() === 1;
    case 'integer':
      return type.format === 'int32' ? (reader) => reader.int32() : (reader) => reader.integer();
    case 'number':
      return (reader) => reader.double();
    case 'object':
      return (reader) => decodeMessage(type.struct, reader.message());
    case 'array': {
      const item = readerOf(type.items);
      return (reader) => {
        const list: unknown[] = [];
        readEntries(reader, { 1: (inner) => list.push(item(inner)) });
        return list;
      };
    }
    case 'any':
      return type.either ? eitherReader(type.either.struct, type.either.or) : readRaw;
    case 'map':
      throw new Error('a map has no protobuf form of its own outside a field');
    case 'string':
      break;
  }
  switch (type.format) {
    case 'byte':
      return (reader) => reader.bytes().toString('base64');
    case 'quantity':
      return readQuantity;
    case 'int-or-string':
      return readIntOrString;
    case 'date-time':
      return (reader) => {
        const instant = readTimestamp(reader);
        return instant && formatTime(instant.seconds);
      };
    case 'micro-time':
      return (reader) => {
        const instant = readTimestamp(reader);
        return instant && formatMicroTime(instant);
      };
    default:
      return (reader) => reader.string();
  }
}
