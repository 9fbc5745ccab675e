/**
 * The contract of a store: a revisioned key-value map, as etcd v3 has it, reduced to what the API server needs.
 * Three implementations: memory, LMDB, etcd. All pass the suite in `contract.test.ts`.
 */

/** A value with the revisions of its creation and of its last change. */
export interface StoreEntry {
  key: string;
  value: Uint8Array;
  createRevision: number;
  modRevision: number;
}

export interface StoreEvent {
  type: 'put' | 'delete';
  key: string;
  /** The revision of this event: unique for LMDB and memory, shared by one transaction in etcd. */
  revision: number;
  /** The new value; absent for `delete`. */
  value?: Uint8Array;
  /** The value before; absent for the first `put`. */
  previous?: StoreEntry;
  createRevision: number;
}

export type WatchMessage =
  | { type: 'event'; event: StoreEvent }
  /** Every event up to and including `revision` has been delivered. */
  | { type: 'progress'; revision: number };

export interface Watch {
  /** Events in revision order. Ends when `cancel` is called; throws `CompactedError` when `fromRevision` is gone. */
  [Symbol.asyncIterator](): AsyncIterator<WatchMessage>;
  /** Asks for a progress message as soon as all events up to the current revision were delivered. */
  requestProgress(): void;
  cancel(): void;
}

export interface ListOptions {
  /** Read the state as of this revision; absent means the newest, read consistently. */
  revision?: number;
  /** At most this many entries. */
  limit?: number;
  /** Start at this key (inclusive) instead of the first of the prefix. */
  startKey?: string;
}

export interface ListResult {
  entries: StoreEntry[];
  /** The revision that the answer is a snapshot of. */
  revision: number;
  /** Entries of the prefix from `startKey` on, `entries` included. */
  count: number;
}

export interface Store {
  get(key: string, options?: { revision?: number }): Promise<{ entry?: StoreEntry; revision: number }>;
  list(prefix: string, options?: ListOptions): Promise<ListResult>;
  count(prefix: string): Promise<number>;
  /** Fails with `KeyExistsError`. Resolves with the revision, after the write is durable. */
  create(key: string, value: Uint8Array, options?: { ttlSeconds?: number }): Promise<number>;
  /** Fails with `RevisionMismatchError` (which carries the current entry, if any) when `modRevision` is not `expectedRevision`. */
  update(key: string, value: Uint8Array, expectedRevision: number, options?: { ttlSeconds?: number }): Promise<number>;
  /** As `update`; resolves with the revision of the deletion. */
  delete(key: string, expectedRevision: number): Promise<number>;
  /** Changes after `fromRevision` (exclusive) to keys with the prefix. `''` watches everything. */
  watch(prefix: string, fromRevision: number): Watch;
  currentRevision(): Promise<number>;
  /** Forgets history before `revision`; later reads of it fail with `CompactedError`. */
  compact(revision: number): Promise<void>;
  /** Whether the value would be written otherwise now, though it is the same (encrypted with another key). Absent: never. */
  stale?(key: string): Promise<boolean>;
  /** The whole state as of one revision, in key order, read piece by piece; for a snapshot. */
  entries(): Promise<{ revision: number; entries: AsyncIterable<SnapshotEntry> }>;
  /** What its database takes on the disk, and how it is called among several. Absent: it has no disk. */
  size?(): Promise<{ id: string; bytes: number }>;
  /** Waits for writes under way; ends watches. */
  close(): Promise<void>;
}

/** An entry with the time that is left to it, where it has a limit. */
export interface SnapshotEntry extends StoreEntry {
  ttlSeconds?: number;
}

export class KeyExistsError extends Error {
  constructor(key: string) {
    super(`key exists: ${key}`);
    this.name = 'KeyExistsError';
  }
}

export class RevisionMismatchError extends Error {
  readonly current: StoreEntry | undefined;
  constructor(key: string, current: StoreEntry | undefined) {
    super(`revision mismatch: ${key}`);
    this.name = 'RevisionMismatchError';
    this.current = current;
  }
}

export class CompactedError extends Error {
  readonly compactRevision: number;
  constructor(compactRevision: number) {
    super(`required revision has been compacted (compacted at ${compactRevision})`);
    this.name = 'CompactedError';
    this.compactRevision = compactRevision;
  }
}

/** A revision that has not happened yet. */
export class FutureRevisionError extends Error {
  constructor(revision: number, current: number) {
    super(`revision ${revision} is in the future (current: ${current})`);
    this.name = 'FutureRevisionError';
  }
}

/** No room on the disk. Reads go on, and writes as soon as there is room again. */
export class StoreFullError extends Error {
  constructor(where: string, options?: { cause?: unknown }) {
    super(`no space left for the store in ${where}`, options);
    this.name = 'StoreFullError';
  }
}

/** The data were written by a newer version of this program. */
export class DataVersionError extends Error {
  constructor(directory: string, found: number, supported: number) {
    super(`the data in ${directory} have format ${found}; this version reads formats up to ${supported}: run the version that wrote them, or a newer one`);
    this.name = 'DataVersionError';
  }
}

/** Another process, or this one, has the directory open. */
export class StoreLockedError extends Error {
  constructor(directory: string, options?: { cause?: unknown }) {
    super(`the store in ${directory} is in use by another process`, options);
    this.name = 'StoreLockedError';
  }
}

export class StoreClosedError extends Error {
  constructor() {
    super('the store is closed');
    this.name = 'StoreClosedError';
  }
}
