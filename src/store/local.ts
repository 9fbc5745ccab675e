/** A store on this machine: the contract of `store.ts` over a backend. */
import type { Backend } from './backend.ts';
import { createCommitQueue } from './commit.ts';
import { startExpiry } from './expiry.ts';
import { CompactedError, FutureRevisionError, type Store, StoreClosedError } from './store.ts';
import { createWatchHub } from './watchhub.ts';

export interface LocalStoreOptions {
  /** Milliseconds since 1970, for expiry. */
  now?: () => number;
  /** Hears of what failed in the background. */
  onError?: (error: unknown) => void;
}

/** Owns the backend: `close` closes it. */
export function createLocalStore(backend: Backend, { now = Date.now, onError = (error) => console.error('store:', error) }: LocalStoreOptions): Store {
  const hub = createWatchHub(backend);
  const commits = createCommitQueue(backend, hub.publish);
  const stopExpiry = startExpiry(backend, commits, now, onError);
  let closed: Promise<void> | undefined;

  const expiresAt = (ttlSeconds: number | undefined): number => (ttlSeconds === undefined ? 0 : now() + ttlSeconds * 1_000);
  function readable(revision: number | undefined): void {
    if (closed) throw new StoreClosedError();
    if (revision === undefined) return;
    if (revision > backend.revision) throw new FutureRevisionError(revision, backend.revision);
    if (revision < backend.compactRevision) throw new CompactedError(backend.compactRevision);
  }

  return {
    async get(key, { revision } = {}) {
      readable(revision);
      const head = revision === undefined ? backend.head(key) : backend.at(key, revision);
      const entry = head && { key, value: head.value, createRevision: head.createRevision, modRevision: head.modRevision };
      // A commit may be on the disk already whose writers have not been told yet.
      return { ...(entry ? { entry } : {}), revision: Math.max(backend.revision, entry?.modRevision ?? 0) };
    },
    async list(prefix, options = {}) {
      readable(options.revision);
      return backend.list(prefix, options);
    },
    async count(prefix) {
      readable(undefined);
      return backend.count(prefix);
    },
    create: (key, value, { ttlSeconds } = {}) => commits.write({ key, value, expectedRevision: 0, expiresAt: expiresAt(ttlSeconds), verb: 'create' }),
    update: (key, value, expectedRevision, { ttlSeconds } = {}) =>
      commits.write({ key, value, expectedRevision, expiresAt: expiresAt(ttlSeconds), verb: 'update' }),
    delete: (key, expectedRevision) => commits.write({ key, expectedRevision, expiresAt: 0, verb: 'delete' }),
    watch(prefix, fromRevision) {
      if (closed) throw new StoreClosedError();
      return hub.watch(prefix, fromRevision);
    },
    async currentRevision() {
      readable(undefined);
      return backend.revision;
    },
    async compact(revision) {
      readable(Math.max(revision, backend.compactRevision));
      if (revision > backend.compactRevision) await backend.compact(revision);
    },
    ...(backend.size ? { size: backend.size } : {}),
    async entries() {
      readable(undefined);
      return backend.entries();
    },
    close() {
      closed ??= (async () => {
        stopExpiry();
        await commits.close();
        hub.close();
        await backend.close();
      })();
      return closed;
    },
  };
}
