/**
 * The stored form of an object, and how it becomes an answer without being parsed.
 *
 * Stored:  `{"kind":"K","apiVersion":"V","metadata":{…},…}`, without `metadata.resourceVersion`, which only the write decides.
 * Cached:  `{"metadata":{"resourceVersion":"7",…},…}`, so that a list is a concatenation and any served version can put its own head on.
 */
import type { KubeObject } from '../../apimachinery/meta.ts';
import { hideNulls, withNulls } from '../../apimachinery/nil.ts';
import type { Struct } from '../../apimachinery/schema.ts';

const nullMark = Buffer.from(':null');
const metadataMark = Buffer.from('"metadata":{');
const cachedHead = '{"metadata":{"resourceVersion":"';
const cachedHeadLength = cachedHead.length;
const quote = 0x22;
const comma = 0x2c;
const closingBrace = 0x7d;

/** The version that is written. */
export interface StoredType {
  apiVersion: string;
  definition: { kind: string };
  /** Absent for custom resources. */
  struct?: Struct;
}

/** Encodes an object for the store. */
export function encodeStored({ apiVersion, definition: { kind }, struct }: StoredType, object: KubeObject): Buffer {
  const shown = struct ? withNulls(struct, object) : object;
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = shown as KubeObject & Record<string, unknown>;
  const { resourceVersion: _resourceVersion, ...meta } = metadata;
  const tail = JSON.stringify(rest);
  return Buffer.from(`{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)}${tail === '{}' ? '}' : `,${tail.slice(1)}`}`);
}

/** The cached form of stored bytes. */
export function toCached(stored: Uint8Array, revision: number): Buffer {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const at = bytes.indexOf(metadataMark);
  if (at < 0) throw new Error('stored object without metadata');
  const tail = at + metadataMark.length;
  // An empty metadata (never written by this server) would need no comma.
  // Revision 0 is that of an object which a dry run made: it has none.
  const head = revision === 0 ? '{"metadata":{' : `${cachedHead}${revision}"${bytes[tail] === closingBrace ? '' : ','}`;
  const cached = Buffer.allocUnsafeSlow(head.length + bytes.length - tail);
  cached.write(head, 0, 'latin1');
  bytes.copy(cached, head.length, tail);
  return cached;
}

/** The apiVersion under which the object was stored. */
export function storedApiVersion(stored: Uint8Array): string {
  const text = Buffer.from(stored.buffer, stored.byteOffset, Math.min(stored.byteLength, 512)).toString('latin1');
  return /"apiVersion":"([^"]*)"/.exec(text)?.[1] ?? '';
}

function tailOffset(cached: Buffer): number {
  const end = cached.indexOf(quote, cachedHeadLength) + 1;
  return cached[end] === comma ? end + 1 : end;
}

/** The same object with another resourceVersion: what a watcher sees of an object that left its selection. */
export function withRevision(cached: Buffer, revision: number): Buffer {
  const tail = tailOffset(cached);
  const head = `${cachedHead}${revision}"${cached[tail] === closingBrace ? '' : ','}`;
  const copy = Buffer.allocUnsafeSlow(head.length + cached.length - tail);
  copy.write(head, 0, 'latin1');
  cached.copy(copy, head.length, tail);
  return copy;
}

/** How stored bytes relate to cached ones: `same`, `different`, or `same-length` (which may be a permutation of fields). */
export function compareStored(stored: Buffer, cached: Buffer): 'same' | 'different' | 'same-length' {
  const at = stored.indexOf(metadataMark) + metadataMark.length;
  const tail = tailOffset(cached);
  if (stored.length - at !== cached.length - tail) return 'different';
  return stored.compare(cached, tail, cached.length, at, stored.length) === 0 ? 'same' : 'same-length';
}

/** Parses cached bytes; the result is the caller's own. Without a struct, what is shown as null stays so. */
export function parseCached(cached: Buffer, struct: Struct | undefined): KubeObject & Record<string, unknown> {
  const object = JSON.parse(cached.toString('utf8'));
  if (struct && cached.includes(nullMark)) hideNulls(struct, object);
  return object;
}
