/** The embedded store: versions in LMDB, on this machine's disk. Layout of the data: `lmdb/records.ts`. */
import { statfsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transaction } from 'lmdb';
import { type Backend, type Change, type Head, prefixEnd } from './backend.ts';
import { cleanCompacted, compactionState, declareCompacted } from './lmdb/compact.ts';
import { type Environment, openEnvironment, openForReading } from './lmdb/environment.ts';
import { entryAt, listRange, revisionIn, type Version } from './lmdb/read.ts';
import { decodeHead, decodeLog, decodeNumber, encodeHead, encodeLog, encodeNumber } from './lmdb/records.ts';
import { createLocalStore, type LocalStoreOptions } from './local.ts';
import { secondsLeft } from './memory.ts';
import { type SnapshotEntry, type Store, type StoreEntry, type StoreEvent, StoreFullError } from './store.ts';

const empty = new Uint8Array(0);

/**
 * Opens the store in `directory`, which is created when absent. Throws `StoreLockedError`, `DataVersionError`, or an error that
 * names the directory when it can't be written. Writes fail with `StoreFullError` while the disk is full.
 */
export async function openLmdbStore(directory: string, options: LocalStoreOptions = {}): Promise<Store> {
  const environment = await openEnvironment(directory);
  const { now = Date.now, onError = (error) => console.error('store:', error) } = options;
  return createLocalStore(createBackend(environment, now, onError), options);
}

/** The state of a store that another process may be writing to, for a snapshot. */
export async function readLmdbStore(directory: string): Promise<Pick<Store, 'entries' | 'close'>> {
  const environment = await openForReading(directory);
  return {
    async entries() {
      const transaction = environment.root.useReadTransaction();
      return { revision: revisionIn(environment, transaction), entries: allEntries(environment, transaction, Date.now) };
    },
    close: () => environment.close(),
  };
}

function createBackend(environment: Environment, now: () => number, onError: (error: unknown) => void): Backend {
  const { root, head: heads, log, old, expiry, meta } = environment;
  let revision = revisionIn(environment);
  let compactRevision = compactionState(environment).compacted;
  let closing = false;
  let cleaning: Promise<void> = Promise.resolve();

  /** One cleaning after the other; whoever asked for one hears of its failure, and the next goes on from there. */
  function clean(): Promise<void> {
    cleaning = cleaning.catch(() => {}).then(() => cleanCompacted(environment, () => closing));
    return cleaning;
  }
  clean().catch(onError);

  function versionOf(key: string): Version | undefined {
    const bytes = heads.get(key);
    return bytes && { key, ...decodeHead(bytes) };
  }

  function head(key: string): Head | undefined {
    const version = versionOf(key);
    return version && { ...entryAt(environment, version), expiresAt: version.expiresAt };
  }

  function at(key: string, wanted: number): StoreEntry | undefined {
    const version = versionOf(key);
    if (version && version.modRevision <= wanted) return entryAt(environment, version);
    for (const { key: pair, value } of old.getRange({ start: [key, wanted], end: [key, 0], reverse: true, limit: 1 })) {
      if (decodeNumber(value) <= wanted) return undefined;
      const { createRevision } = decodeLog(log.get(pair[1])!);
      return entryAt(environment, { key, modRevision: pair[1], createRevision, expiresAt: 0 });
    }
    return undefined;
  }

  function put({ key, revision: modRevision, createRevision, value, expiresAt, previous }: Change): void {
    const previousRevision = previous?.modRevision ?? 0;
    void log.put(modRevision, encodeLog({ type: value ? 'put' : 'delete', createRevision, previousRevision, key, value: value ?? empty }));
    if (value) void heads.put(key, encodeHead({ createRevision, modRevision, expiresAt }));
    else void heads.remove(key);
    if (previous) void old.put([key, previousRevision], encodeNumber(modRevision));
    if (previous && previous.expiresAt > 0) void expiry.remove([previous.expiresAt, key]);
    if (value && expiresAt > 0) void expiry.put([expiresAt, key], encodeNumber(modRevision));
  }

  return {
    head,
    at,
    get revision() {
      return revision;
    },
    get compactRevision() {
      return compactRevision;
    },
    async commit(changes) {
      const last = changes.at(-1)!.revision;
      if (hasNoRoom(environment.directory, changes)) throw new StoreFullError(environment.directory);
      try {
        await root.batch(() => {
          for (const change of changes) put(change);
          void meta.put('revision', encodeNumber(last));
        });
      } catch (error) {
        throw await commitError(error, environment.directory);
      }
      revision = last;
    },
    list: (prefix, options) => listRange(environment, prefix, options),
    async count(prefix) {
      return heads.getKeysCount({ start: prefix, end: prefixEnd(prefix) });
    },
    history(from, limit) {
      const events: StoreEvent[] = [];
      for (const { key: at, value } of log.getRange({ start: from + 1, limit })) events.push(toEvent(environment, at, value));
      return events;
    },
    async compact(wanted) {
      await declareCompacted(environment, wanted);
      compactRevision = wanted;
      await clean();
    },
    expired(time, limit) {
      const due = expiry.getRange({ start: [0, ''], end: [time + 1, ''], limit });
      return [...due].map(({ key: [, key], value }) => ({ key, modRevision: decodeNumber(value) }));
    },
    nextExpiry() {
      for (const [time] of expiry.getKeys({ limit: 1 })) return time;
      return undefined;
    },
    async entries() {
      const transaction = root.useReadTransaction();
      return { revision: revisionIn(environment, transaction), entries: allEntries(environment, transaction, now) };
    },
    async size() {
      const { blocks } = await stat(join(environment.directory, 'data.mdb'));
      return { id: 'lmdb-0', bytes: blocks * 512 };
    },
    async close() {
      closing = true;
      await cleaning.catch(onError);
      await environment.close();
    },
  };
}

function toEvent(environment: Environment, revision: number, bytes: Buffer): StoreEvent {
  const { type, key, value, createRevision, previousRevision } = decodeLog(bytes);
  const before = previousRevision > 0 ? environment.log.get(previousRevision) : undefined;
  const previous = before && decodeLog(before);
  return {
    type,
    key,
    revision,
    createRevision,
    ...(type === 'put' ? { value } : {}),
    ...(previous ? { previous: { key, value: previous.value, createRevision: previous.createRevision, modRevision: previousRevision } } : {}),
  };
}

/** Releases the transaction when it is read to its end, left, or failed; it must be iterated. */
async function* allEntries(environment: Environment, transaction: Transaction, now: () => number): AsyncGenerator<SnapshotEntry> {
  try {
    for (const { key, value } of environment.head.getRange({ transaction })) {
      const version = { key, ...decodeHead(value) };
      const entry = entryAt(environment, version, transaction);
      yield version.expiresAt > 0 ? { ...entry, ttlSeconds: secondsLeft(version.expiresAt, now()) } : entry;
    }
  } finally {
    transaction.done();
  }
}

/** lmdb-js gives the cause as a promise that rejects with it. */
async function commitError(error: unknown, directory: string): Promise<Error> {
  let cause = error;
  if (error instanceof Error && 'commitError' in error) {
    try {
      cause = await error.commitError;
    } catch (reason) {
      cause = reason;
    }
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  // LMDB reports a write that was cut short, as the last one on a disk is, as an I/O error.
  const full = /no space left|MDB_MAP_FULL|disk quota/i.test(message) || (/input\/output error/i.test(message) && hasNoRoom(directory, []));
  if (full) return new StoreFullError(directory, { cause });
  return new Error(`the store in ${directory} could not commit: ${message}`, { cause });
}

/** What a commit may take besides its values: pages of the trees, and what others write to the disk meanwhile. */
const tightBytes = 4 << 20;

/** Asked before a commit: LMDB may destroy its heap, and with it the process, when a write of pages fails halfway. */
function hasNoRoom(directory: string, changes: readonly Change[]): boolean {
  let needed = tightBytes;
  for (const { value } of changes) needed += 2 * (value?.length ?? 0);
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < needed;
}
