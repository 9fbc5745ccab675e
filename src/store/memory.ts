/** The store in memory: the reference for the others, and for tests. Nothing survives the process. */
import { type Backend, type Change, eventOf, type Head, prefixEnd } from './backend.ts';
import { createLocalStore, type LocalStoreOptions } from './local.ts';
import type { Store, StoreEntry } from './store.ts';

export function createMemoryStore(options: LocalStoreOptions = {}): Store {
  return createLocalStore(createMemoryBackend(options.now ?? Date.now), options);
}

function createMemoryBackend(now: () => number): Backend {
  /** Versions of each key, oldest first; a deletion is a change without value. */
  const versions = new Map<string, Change[]>();
  const keys: string[] = [];
  /** All changes in revision order; the first has revision `compactRevision + 1`. */
  let log: Change[] = [];
  let revision = 1;
  let compactRevision = 0;
  let firstLogged = 2;
  const expiring = new Map<string, Head>();

  function search(key: string): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const headOf = (change: Change | undefined): Head | undefined =>
    change?.value && { key: change.key, value: change.value, createRevision: change.createRevision, modRevision: change.revision, expiresAt: change.expiresAt };
  const head = (key: string): Head | undefined => headOf(versions.get(key)?.at(-1));
  const at = (key: string, wanted: number): StoreEntry | undefined => headOf(versions.get(key)?.findLast((change) => change.revision <= wanted));

  function* range(prefix: string, startKey: string, wanted: number): Generator<Head> {
    const end = prefixEnd(prefix);
    for (let index = search(startKey > prefix ? startKey : prefix); index < keys.length; index++) {
      const key = keys[index]!;
      if (end !== undefined && key >= end) return;
      const found = at(key, wanted) as Head | undefined;
      if (found) yield found;
    }
  }
  const plain = ({ key, value, createRevision, modRevision }: StoreEntry): StoreEntry => ({ key, value, createRevision, modRevision });

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
      for (const change of changes) {
        const known = versions.get(change.key);
        if (known) known.push(change);
        else {
          versions.set(change.key, [change]);
          keys.splice(search(change.key), 0, change.key);
        }
        log.push(change);
        revision = change.revision;
        expiring.delete(change.key);
        if (change.value && change.expiresAt > 0) expiring.set(change.key, headOf(change)!);
      }
    },
    async list(prefix, { revision: wanted = revision, limit = Number.POSITIVE_INFINITY, startKey = '' }) {
      const entries: StoreEntry[] = [];
      let count = 0;
      for (const entry of range(prefix, startKey, wanted)) if (++count <= limit) entries.push(plain(entry));
      return { entries, revision: wanted, count };
    },
    async count(prefix) {
      return [...range(prefix, '', revision)].length;
    },
    history(from, limit) {
      const start = Math.max(0, from + 1 - firstLogged);
      return log.slice(start, start + limit).map(eventOf);
    },
    async compact(wanted) {
      compactRevision = wanted;
      const old = log.slice(0, Math.max(0, wanted + 1 - firstLogged));
      log = log.slice(old.length);
      firstLogged += old.length;
      for (const key of new Set(old.map((change) => change.key))) {
        const known = versions.get(key)!;
        const newest = known.findLastIndex((change) => change.revision <= wanted);
        const kept = known.slice(known[newest]?.value ? newest : newest + 1);
        versions.set(key, kept);
        if (kept.length > 0) continue;
        versions.delete(key);
        keys.splice(search(key), 1);
      }
    },
    expired: (time, limit) =>
      [...expiring.values()]
        .filter((entry) => entry.expiresAt <= time)
        .sort((a, b) => a.expiresAt - b.expiresAt)
        .slice(0, limit),
    nextExpiry() {
      let next: number | undefined;
      for (const { expiresAt } of expiring.values()) if (next === undefined || expiresAt < next) next = expiresAt;
      return next;
    },
    async entries() {
      const snapshot = [...range('', '', revision)];
      return {
        revision,
        entries: (async function* () {
          for (const entry of snapshot) yield { ...plain(entry), ...(entry.expiresAt ? { ttlSeconds: secondsLeft(entry.expiresAt, now()) } : {}) };
        })(),
      };
    },
    async close() {},
  };
}

/** At least one: what is due is for the sweeper to delete. */
export const secondsLeft = (expiresAt: number, now: number): number => Math.max(1, Math.ceil((expiresAt - now) / 1_000));
