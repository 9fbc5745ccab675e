/**
 * How versions stand in LMDB. Four tables:
 *   head     key → create, mod, expiry                        the newest version of each living key
 *   log      revision → type, previous mod, create, key, value  every change; the only place of values
 *   old      [key, mod] → superseding revision                 versions that were replaced, for reads at a revision
 *   expiry   [time, key] → mod                                 what vanishes when
 * and `meta` with the format, the revision and how far history was forgotten. Numbers are big-endian doubles: exact to 2^53.
 */

/** Raised when an older program could not read what this one writes. */
export const dataVersion = 1;

export interface HeadRecord {
  createRevision: number;
  modRevision: number;
  expiresAt: number;
}

export interface LogRecord {
  type: 'put' | 'delete';
  createRevision: number;
  /** 0 when the key did not exist. */
  previousRevision: number;
  key: string;
  value: Uint8Array;
}

export function encodeHead({ createRevision, modRevision, expiresAt }: HeadRecord): Buffer {
  const bytes = Buffer.allocUnsafe(24);
  bytes.writeDoubleBE(createRevision, 0);
  bytes.writeDoubleBE(modRevision, 8);
  bytes.writeDoubleBE(expiresAt, 16);
  return bytes;
}

export const decodeHead = (bytes: Buffer): HeadRecord => ({
  createRevision: bytes.readDoubleBE(0),
  modRevision: bytes.readDoubleBE(8),
  expiresAt: bytes.readDoubleBE(16),
});

const logHeader = 19;

export function encodeLog({ type, createRevision, previousRevision, key, value }: LogRecord): Buffer {
  const keyLength = Buffer.byteLength(key);
  const bytes = Buffer.allocUnsafe(logHeader + keyLength + value.length);
  bytes[0] = type === 'put' ? 1 : 0;
  bytes.writeDoubleBE(createRevision, 1);
  bytes.writeDoubleBE(previousRevision, 9);
  bytes.writeUInt16BE(keyLength, 17);
  bytes.write(key, logHeader, 'utf8');
  bytes.set(value, logHeader + keyLength);
  return bytes;
}

/** The value is a view of `bytes`. */
export function decodeLog(bytes: Buffer): LogRecord {
  const end = logHeader + bytes.readUInt16BE(17);
  return {
    type: bytes[0] === 1 ? 'put' : 'delete',
    createRevision: bytes.readDoubleBE(1),
    previousRevision: bytes.readDoubleBE(9),
    key: bytes.toString('utf8', logHeader, end),
    value: bytes.subarray(end),
  };
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(value, 0);
  return bytes;
}

export const decodeNumber = (bytes: Buffer): number => bytes.readDoubleBE(0);
