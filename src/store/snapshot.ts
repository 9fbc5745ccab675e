/**
 * A store's state as one file, for backup and for moving. A line of JSON says what it is; then come records of fixed-length
 * numbers, key and value, a record without key, and the SHA-256 of all before it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ByteReader, createReader } from './bytereader.ts';
import { writeEntries } from './lmdb/restore.ts';
import type { SnapshotEntry, Store } from './store.ts';

const format = 'knarr-snapshot';
const version = 1;
/** Lengths of key and value, create and mod revision, seconds to live (0: for ever). */
const recordHeader = 4 + 4 + 8 + 8 + 8;
const bufferedBytes = 1 << 20;

export interface SnapshotInfo {
  /** The revision that the snapshot shows. */
  revision: number;
  entries: number;
}

/** Writes the state of `store` to `file`, which appears only when it is complete and on the disk. */
export async function saveSnapshot(store: Pick<Store, 'entries'>, file: string): Promise<SnapshotInfo> {
  const partial = `${file}.${process.pid}.partial`;
  const handle = await open(partial, 'wx', 0o600);
  try {
    const info = await write(store, handle);
    await handle.sync();
    await handle.close();
    await rename(partial, file);
    await syncDirectory(dirname(file));
    return info;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(partial, { force: true });
    throw new Error(`could not save the snapshot ${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function write(store: Pick<Store, 'entries'>, handle: FileHandle): Promise<SnapshotInfo> {
  const hash = createHash('sha256');
  let pending: Uint8Array[] = [];
  let size = 0;
  async function flush(): Promise<void> {
    const bytes = Buffer.concat(pending);
    pending = [];
    size = 0;
    hash.update(bytes);
    await handle.writeFile(bytes);
  }

  const { revision, entries } = await store.entries();
  pending.push(Buffer.from(`${JSON.stringify({ format, version, revision })}\n`));
  let count = 0;
  for await (const entry of entries) {
    const record = encodeRecord(entry);
    pending.push(record);
    size += record.length;
    count++;
    if (size >= bufferedBytes) await flush();
  }
  pending.push(Buffer.alloc(recordHeader));
  await flush();
  await handle.writeFile(hash.digest());
  return { revision, entries: count };
}

function encodeRecord({ key, value, createRevision, modRevision, ttlSeconds = 0 }: SnapshotEntry): Buffer {
  const name = Buffer.from(key, 'utf8');
  const bytes = Buffer.allocUnsafe(recordHeader + name.length + value.length);
  bytes.writeUInt32BE(name.length, 0);
  bytes.writeUInt32BE(value.length, 4);
  bytes.writeDoubleBE(createRevision, 8);
  bytes.writeDoubleBE(modRevision, 16);
  bytes.writeDoubleBE(ttlSeconds, 24);
  bytes.set(name, recordHeader);
  bytes.set(value, recordHeader + name.length);
  return bytes;
}

async function* readRecords(reader: ByteReader): AsyncGenerator<SnapshotEntry> {
  for (;;) {
    const header = await reader.take(recordHeader);
    const keyLength = header.readUInt32BE(0);
    if (keyLength === 0) return;
    const body = await reader.take(keyLength + header.readUInt32BE(4));
    const ttlSeconds = header.readDoubleBE(24);
    yield {
      key: body.toString('utf8', 0, keyLength),
      value: body.subarray(keyLength),
      createRevision: header.readDoubleBE(8),
      modRevision: header.readDoubleBE(16),
      ...(ttlSeconds > 0 ? { ttlSeconds } : {}),
    };
  }
}

/** Reads the whole file once to see that nothing is missing or damaged. */
async function verify(file: string): Promise<void> {
  const reader = await createReader(file);
  try {
    const line = await reader.line();
    const head = parseHead(line);
    if (head?.format !== format) throw new Error('it is no knarr snapshot');
    if (head.version !== version) throw new Error(`it has version ${head.version}; this program reads version ${version}`);
    for await (const _ of readRecords(reader));
    const expected = reader.digest();
    if (!(await reader.take(expected.length)).equals(expected)) throw new Error('its checksum is wrong');
  } finally {
    await reader.close();
  }
}

function parseHead(line: string): { format?: string; version?: number; revision?: number } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/**
 * Makes an embedded store in `directory`, which must be empty or absent, from a snapshot. Objects keep their revisions; the store goes
 * on far above the snapshot's revision, with no history, so that every client that saw later revisions lists again.
 */
export async function restoreSnapshot(file: string, directory: string): Promise<SnapshotInfo> {
  if (existsSync(directory) && readdirSync(directory).length > 0) throw new Error(`could not restore into ${directory}: it is not empty`);
  const partial = `${directory}.partial`;
  try {
    await verify(file);
    const reader = await createReader(file);
    try {
      const revision = parseHead(await reader.line())!.revision!;
      await rm(partial, { recursive: true, force: true });
      const entries = await writeEntries(partial, revision, readRecords(reader));
      await rename(partial, directory);
      return { revision, entries };
    } finally {
      await reader.close();
    }
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw new Error(`could not restore the snapshot ${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
