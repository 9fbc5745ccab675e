/**
 * The watch cache: the state of everything in the store as encoded bytes, kept current by one watch of the store,
 * and the source of every get, list and watch that does not ask for the past.
 */
import type { Logger } from 'pino';
import { timeout } from '../../apimachinery/errors.ts';
import type { Store, StoreEntry, StoreEvent, Watch } from '../../store/store.ts';
import { CompactedError } from '../../store/store.ts';
import { DecryptionError, isEncrypted } from '../storage/encryption/transformer.ts';
import { storedApiVersion, toCached, withRevision } from './bytes.ts';
import { DecodedObjects } from './decoded.ts';
import type { CacheEntry, CacheEvent } from './resource-cache.ts';
import { ResourceCache } from './resource-cache.ts';

export const registryPrefix = '/registry/';

/** How long a read waits for a revision that has not happened yet (upstream: 3 s). */
const blockMs = 3000;

interface Waiter {
  revision: number;
  resolve(): void;
}

export class Cacher {
  readonly store: Store;
  readonly decoded = new DecodedObjects(16 * 1024 * 1024, (entry) => this.#resources.get(prefixOf(entry.key))?.struct);
  readonly #log: Logger | undefined;
  readonly #resources = new Map<string, ResourceCache>();
  readonly #apiVersions = new Map<string, string>();
  #revision = 0;
  #loadedRevision = 0;
  #watch: Watch | undefined;
  #waiters: Waiter[] = [];
  /** By key, what writers have made of values that the watch of the store has yet to bring. */
  readonly #written = new Map<string, CacheEntry>();
  #closed = false;
  #freshness: { current: Promise<number>; next: Promise<number> | undefined } | undefined;

  constructor(store: Store, log?: Logger) {
    this.store = store;
    this.#log = log;
  }

  /** Everything up to this revision is in the cache. */
  get revision(): number {
    return this.#revision;
  }

  /** The cache of all keys under `/registry/<group>/<resource>/`; made when first asked for. */
  resource(prefix: string): ResourceCache {
    let cache = this.#resources.get(prefix);
    if (!cache) {
      cache = new ResourceCache(prefix, this.#loadedRevision);
      this.#resources.set(prefix, cache);
    }
    return cache;
  }

  resources(): Iterable<ResourceCache> {
    return this.#resources.values();
  }

  async start(): Promise<void> {
    await this.#load();
    void this.#follow();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.cancel();
    this.endWatches();
  }

  endWatches(): void {
    for (const cache of this.#resources.values()) for (const watcher of [...cache.watchers]) watcher.ended();
  }

  /** The store's newest revision, one question for all who ask at the same time. */
  newestRevision(): Promise<number> {
    const asked = this.#freshness;
    if (!asked) {
      const current = this.store.currentRevision();
      const state = { current, next: undefined as Promise<number> | undefined };
      this.#freshness = state;
      const settle = (): void => {
        if (this.#freshness === state) this.#freshness = undefined;
      };
      current.then(settle, settle);
      return current;
    }
    // An answer that is already under way may be older than this question: ask again, once, for all who come meanwhile.
    const again = (): Promise<number> => {
      if (this.#freshness === asked) this.#freshness = undefined;
      return this.newestRevision();
    };
    asked.next ??= asked.current.then(again, again);
    return asked.next;
  }

  /** Resolves when the cache holds everything that was acknowledged before the call. */
  async fresh(): Promise<void> {
    const revision = await this.newestRevision();
    if (revision > this.#revision) await this.reached(revision);
  }

  /** Resolves when the cache is at `revision`; fails with 504 as upstream does when that does not happen in three seconds. */
  async reached(revision: number): Promise<void> {
    if (revision <= this.#revision) return;
    this.#watch?.requestProgress();
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        revision,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(tooLargeResourceVersion(revision, this.#revision));
      }, blockMs);
      this.#waiters.push(waiter);
    });
  }

  async #load(): Promise<void> {
    const { entries, revision } = await this.store.list(registryPrefix);
    this.#loadedRevision = revision;
    this.#written.clear();
    const before = new Map(Array.from(this.#resources.values(), (cache) => [cache, cache.reset(revision)] as const));
    for (const stored of entries) {
      const entry = this.#entryOf(stored);
      if (entry) this.resource(prefixOf(stored.key)).load(entry);
    }
    for (const [cache, entries] of before) cache.announce(entries, revision, Date.now());
    this.#advance(revision);
  }

  async #follow(): Promise<void> {
    while (!this.#closed) {
      try {
        const watch = this.store.watch(registryPrefix, this.#revision);
        this.#watch = watch;
        for await (const message of watch) {
          if (message.type === 'event') this.#apply(message.event);
          else this.#progress(message.revision);
        }
      } catch (error) {
        if (this.#closed) return;
        this.#log?.error({ err: error }, 'watch of the store failed');
        if (!(error instanceof CompactedError)) await new Promise((resolve) => setTimeout(resolve, 200));
        await this.#recover();
      }
    }
  }

  async #recover(): Promise<void> {
    for (;;) {
      try {
        this.endWatches();
        await this.#load();
        return;
      } catch (error) {
        if (this.#closed) return;
        this.#log?.error({ err: error }, 'the store cannot be read; trying again');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  #apply(event: StoreEvent): void {
    const prefix = prefixOf(event.key);
    if (prefix === '') {
      this.#advance(event.revision);
      return;
    }
    const cache = this.resource(prefix);
    const previous = cache.entries.get(event.key);
    let entry: CacheEntry | undefined;
    if (event.type === 'put' && event.value) {
      const made = this.#written.get(event.key);
      if (made) this.#written.delete(event.key);
      const stored = { key: event.key, value: event.value, createRevision: event.createRevision, modRevision: event.revision };
      entry = made?.revision === event.revision ? made : this.#entryOf(stored);
    } else if (previous) {
      entry = { ...previous, revision: event.revision, json: withRevision(previous.json, event.revision) };
      delete entry.protobuf;
    }
    if (previous) this.decoded.forget(previous);
    // Watchers run before the revision counts as reached, so that who waits for it sees a cache that has told everybody.
    if (entry) cache.apply({ type: event.type, revision: event.revision, entry, previous, time: Date.now() });
    this.#advance(event.revision);
  }

  #progress(revision: number): void {
    this.#advance(revision);
  }

  #advance(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
    if (this.#waiters.length === 0) return;
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) {
      if (waiter.revision <= this.#revision) waiter.resolve();
      else this.#waiters.push(waiter);
    }
  }

  /** Undefined for a value that is no object of the API; it is logged and left alone. */
  #entryOf(stored: StoreEntry): CacheEntry | undefined {
    const prefix = prefixOf(stored.key);
    const rest = stored.key.slice(prefix.length);
    // Not as if there were nothing: it is a server without the keys that is wrong.
    if (isEncrypted(stored.value)) throw new DecryptionError(stored.key, new Error('identity transformer tried to read encrypted data'));
    const slash = rest.indexOf('/');
    const apiVersion = storedApiVersion(stored.value);
    const shared = this.#apiVersions.get(apiVersion) ?? apiVersion;
    this.#apiVersions.set(apiVersion, shared);
    try {
      return {
        key: stored.key,
        namespace: slash < 0 ? '' : rest.slice(0, slash),
        name: slash < 0 ? rest : rest.slice(slash + 1),
        revision: stored.modRevision,
        createRevision: stored.createRevision,
        json: toCached(stored.value, stored.modRevision),
        apiVersion: shared,
      };
    } catch (error) {
      this.#log?.error({ err: error, key: stored.key }, 'the store holds a value that is no object');
      return undefined;
    }
  }

  /** The entry of a value that has just been written: the one that the cache holds already, or will. */
  written(stored: StoreEntry): CacheEntry {
    const held = this.resource(prefixOf(stored.key)).entries.get(stored.key);
    if (held?.revision === stored.modRevision) return held;
    const entry = this.entryOf(stored);
    if (stored.modRevision > this.#revision) this.#written.set(stored.key, entry);
    return entry;
  }

  /** An entry as the cache would hold it, for a value that was read from the past or was only tried. */
  entryOf(stored: StoreEntry): CacheEntry {
    const entry = this.#entryOf(stored);
    if (!entry) throw new Error(`cannot read ${stored.key}`);
    return entry;
  }
}

/** `/registry/<group>/<resource>/`, or `''` for a key that is not of this form. */
export function prefixOf(key: string): string {
  const group = key.indexOf('/', registryPrefix.length);
  const resource = group < 0 ? -1 : key.indexOf('/', group + 1);
  return resource < 0 ? '' : key.slice(0, resource + 1);
}

export function tooLargeResourceVersion(asked: number, current: number): Error {
  const error = timeout(`Too large resource version: ${asked}, current: ${current}`, 1);
  error.status.details = { ...error.status.details, causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] };
  return error;
}

export type { CacheEntry, CacheEvent, ResourceCache };
