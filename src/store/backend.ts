/**
 * What a store on this machine is made of: a backend that knows versions of keys and commits batches (memory, LMDB),
 * and above it, the same for both, group commit (`commit.ts`), watches (`watchhub.ts`) and expiry (`expiry.ts`).
 */
import type { ListOptions, ListResult, SnapshotEntry, StoreEntry, StoreEvent } from './store.ts';

/** The newest version of a key, with the time at which it expires (milliseconds since 1970; 0 is never). */
export interface Head extends StoreEntry {
  expiresAt: number;
}

/** One accepted write: from `previous` (absent when the key did not exist) to a new value, or to nothing. */
export interface Change {
  key: string;
  revision: number;
  createRevision: number;
  /** Absent for a deletion. */
  value?: Uint8Array;
  expiresAt: number;
  previous?: Head;
}

export interface Backend {
  /** As of the last commit. */
  head(key: string): Head | undefined;
  /** All or nothing, durable when it resolves. Revisions follow each other without gap from `revision + 1` on. */
  commit(changes: readonly Change[]): Promise<void>;
  /** Of the last commit. */
  readonly revision: number;
  readonly compactRevision: number;
  at(key: string, revision: number): StoreEntry | undefined;
  list(prefix: string, options: ListOptions): Promise<ListResult>;
  count(prefix: string): Promise<number>;
  /** Changes after `from` in order, at most `limit` revisions of them, whatever their key. */
  history(from: number, limit: number): StoreEvent[];
  compact(revision: number): Promise<void>;
  /** Keys that have expired by `now`, the oldest first. */
  expired(now: number, limit: number): { key: string; modRevision: number }[];
  /** When the next key expires. */
  nextExpiry(): number | undefined;
  entries(): Promise<{ revision: number; entries: AsyncIterable<SnapshotEntry> }>;
  size?(): Promise<{ id: string; bytes: number }>;
  close(): Promise<void>;
}

/** The first key after all those with the prefix, or undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  return prefix === '' ? undefined : `${prefix}\u{10ffff}`;
}

export const eventOf = ({ key, revision, createRevision, value, previous }: Change): StoreEvent => ({
  type: value ? 'put' : 'delete',
  key,
  revision,
  createRevision,
  ...(value ? { value } : {}),
  ...(previous ? { previous: { key, value: previous.value, createRevision: previous.createRevision, modRevision: previous.modRevision } } : {}),
});
