/**
 * What Kubernetes puts around protobuf: the `k8s\0` prefix with a `runtime.Unknown` that names the kind,
 * and the length-prefixed frames of a watch.
 */
import { Buffer } from 'node:buffer';
import type { Struct } from '../schema.ts';
import { encodeInto } from './protoencode.ts';
import { ProtoReader } from './protoreader.ts';
import { ProtoWriter, sharedWriter as writer } from './protowriter.ts';

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

export interface Envelope {
  apiVersion: string;
  kind: string;
  /** The encoded message. */
  raw: Uint8Array;
  contentEncoding: string;
  contentType: string;
}

/** Whether the bytes start with the prefix of Kubernetes protobuf. */
export const isEnvelope = (bytes: Uint8Array): boolean => bytes.length >= 4 && magic.equals(bytes.subarray(0, 4));

/** The object in its envelope, as a body of `application/vnd.kubernetes.protobuf`. */
export function encodeEnvelope(apiVersion: string, kind: string, struct: Struct, object: object): Uint8Array {
  writer.reset();
  writer.string('');
  writer.varint(0x22);
  writer.string('');
  writer.varint(0x1a);
  const before = writer.length;
  encodeInto(writer, struct, object);
  writeHead(writer, apiVersion, kind, writer.length - before);
  return writer.finish();
}

/** The same around a message that is encoded already (`runtime.Unknown.raw`). */
export function wrapEncoded(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const writer = new ProtoWriter(raw.length + 256);
  writer.string('');
  writer.varint(0x22);
  writer.string('');
  writer.varint(0x1a);
  writer.bytes(raw);
  writeHead(writer, apiVersion, kind, raw.length);
  return writer.finish();
}

const afterRaw = Buffer.from([0x1a, 0, 0x22, 0]);

/** What comes before and after a message of that length, for one that is sent in parts. */
export function wrapping(apiVersion: string, kind: string, length: number): [before: Uint8Array, after: Uint8Array] {
  const writer = new ProtoWriter(256);
  writeHead(writer, apiVersion, kind, length);
  return [writer.finish(), afterRaw];
}

function writeHead(writer: ProtoWriter, apiVersion: string, kind: string, length: number): void {
  writer.varint(length);
  writer.varint(0x12);
  const before = writer.length;
  writer.string(kind);
  writer.varint(0x12);
  writer.string(apiVersion);
  writer.varint(0x0a);
  writer.varint(writer.length - before);
  writer.varint(0x0a);
  writer.bytes(magic);
}

/** Takes the envelope off; throws an Error with upstream's text when there is none. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (!isEnvelope(bytes)) {
    throw new Error(`provided data does not appear to be a protobuf message, expected prefix [${[...magic].join(' ')}]`);
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new ProtoReader(buffer, magic.length, buffer.length);
  const envelope: Envelope = { apiVersion: '', kind: '', raw: new Uint8Array(), contentEncoding: '', contentType: '' };
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) readTypeMeta(reader.message(), envelope);
    else if (tag === 0x12) envelope.raw = reader.bytes();
    else if (tag === 0x1a) envelope.contentEncoding = reader.string();
    else if (tag === 0x22) envelope.contentType = reader.string();
    else reader.skip(tag & 7);
  }
  return envelope;
}

function readTypeMeta(reader: ProtoReader, envelope: Envelope): void {
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) envelope.apiVersion = reader.string();
    else if (tag === 0x12) envelope.kind = reader.string();
    else reader.skip(tag & 7);
  }
}

/**
 * One frame of a protobuf watch: four bytes of length (big endian), then a bare `WatchEvent` whose object is `object`,
 * an encoded object with its envelope.
 */
export function encodeWatchFrame(type: string, object: Uint8Array): Uint8Array {
  const writer = new ProtoWriter(object.length + type.length + 64);
  writer.bytes(object);
  writer.varint(object.length);
  writer.varint(0x0a);
  writer.varint(writer.length);
  writer.varint(0x12);
  writer.string(type);
  writer.varint(0x0a);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(writer.length);
  writer.bytes(length);
  return writer.finish();
}
