/** What was sent and answered, as values for the audit log, in whatever encoding it travelled. */
import { gunzipSync } from 'node:zlib';
import { structOfKind } from '../../api/schema.ts';
import { decodeEnvelope, decodeProtobuf, isEnvelope } from '../../apimachinery/codec/protobuf.ts';
import { parseYaml } from '../../apimachinery/codec/yaml.ts';
import type { Reply } from '../exchange.ts';

const openingBrace = 0x7b;

/** Undefined for what is no object in JSON, YAML or protobuf. */
export function valueOf(bytes: Uint8Array | undefined): unknown {
  if (!bytes || bytes.length === 0) return undefined;
  try {
    if (isEnvelope(bytes)) {
      const { apiVersion, kind, raw } = decodeEnvelope(bytes);
      const struct = structOfKind(apiVersion, kind);
      return struct && { kind, apiVersion, ...decodeProtobuf(struct, raw) };
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const value = bytes[0] === openingBrace || bytes[0] === 0x5b ? JSON.parse(text) : parseYaml(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Text, or an object that is cut off: there is nothing to show.
    return undefined;
  }
}

export function replyValue({ body, headers }: Reply): unknown {
  if (!body) return undefined;
  const whole = body instanceof Uint8Array ? body : Buffer.concat(body);
  return valueOf(headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole);
}

type Owned = { metadata?: { managedFields?: unknown } };

const forget = (object: unknown): void => {
  if (typeof object === 'object' && object !== null) delete (object as Owned).metadata?.managedFields;
};

/** Changes the value: the object itself, the items of a list, what the rows of a table carry. */
export function withoutManagedFields(value: unknown): unknown {
  forget(value);
  const { items, rows } = (value ?? {}) as { items?: unknown; rows?: unknown };
  if (Array.isArray(items)) items.forEach(forget);
  if (Array.isArray(rows)) for (const row of rows) forget((row as { object?: unknown }).object);
  return value;
}
