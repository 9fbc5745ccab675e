/** The current state of one resource as encoded bytes, its recent history, and those who watch it. */
import { expired } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import { SortedEntries } from './sorted.ts';

/** What selectors look at. */
export interface EntryIndex {
  labels: Readonly<Record<string, string>>;
  /** Computed by the kind's selectable fields, `metadata.name` and `metadata.namespace` left out. */
  fields: Readonly<Record<string, string>>;
}

export interface CacheEntry {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly createRevision: number;
  /** Cached form (see `bytes.ts`), of the version under which it was stored; may come to lie in the middle of its neighbours. */
  json: Buffer;
  readonly apiVersion: string;
  /** Filled in when a selector first asks. */
  index?: EntryIndex;
  /** Protobuf messages by apiVersion, once asked for. */
  protobuf?: Map<string, Uint8Array>;
}

/** One change. `entry` is the new state, or for `delete` the last one with the revision of the deletion. */
export interface CacheEvent {
  readonly type: 'put' | 'delete';
  readonly revision: number;
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
  readonly time: number;
  /** Frames that were encoded for this event, shared among watchers; dropped when it has gone out. */
  frames?: Map<string, Uint8Array>;
}

/** Told of every change. */
export interface EventListener {
  event(event: CacheEvent): void;
}

export interface CacheWatcher {
  /** The cache lost its place (or the server stops): the watch must end. */
  ended(): void;
}

/** Events are kept for this long at least, unless there are too many (upstream: `eventFreshDuration`). */
const freshMs = 75_000;
const minEvents = 1024;
const maxEvents = 102_400;

export class ResourceCache {
  readonly prefix: string;
  /** Of what is stored; absent for custom resources. */
  struct?: Struct;
  readonly entries = new Map<string, CacheEntry>();
  readonly sorted = new SortedEntries<CacheEntry>();
  /** Who watches. */
  readonly watchers = new Set<CacheWatcher>();
  /** Who is told of changes for them: a watch by itself, or a group for all its members. */
  readonly hearers = new Set<EventListener>();
  readonly listeners: ((event: CacheEvent) => void)[] = [];
  /** Revision of the last change to this resource, or of the load. */
  lastRevision: number;
  /** Events after this revision are in the history. */
  oldestRevision: number;
  #history: CacheEvent[] = [];
  #start = 0;

  constructor(prefix: string, revision: number) {
    this.prefix = prefix;
    this.lastRevision = revision;
    this.oldestRevision = revision;
  }

  /** Empties the cache for a new load; those who hold it keep holding it. Gives what it held. */
  reset(revision: number): ReadonlyMap<string, CacheEntry> {
    const before = new Map(this.entries);
    this.entries.clear();
    this.sorted.clear();
    this.#history = [];
    this.#start = 0;
    this.lastRevision = revision;
    this.oldestRevision = revision;
    return before;
  }

  /** After a new load: tells listeners (watches have ended) what became different. */
  announce(before: ReadonlyMap<string, CacheEntry>, revision: number, time: number): void {
    if (this.listeners.length === 0) return;
    const tell = (type: 'put' | 'delete', entry: CacheEntry, previous: CacheEntry | undefined): void => {
      for (const listener of this.listeners) listener({ type, revision, entry, previous, time });
    };
    for (const [key, entry] of before) if (!this.entries.has(key)) tell('delete', entry, entry);
    for (const [key, entry] of this.entries) if (before.get(key)?.revision !== entry.revision) tell('put', entry, before.get(key));
  }

  /** What the entries mean has changed: what was found out about them is forgotten, and watches end. */
  restart(): void {
    for (const entry of this.entries.values()) {
      delete entry.index;
      delete entry.protobuf;
    }
    for (const watcher of [...this.watchers]) watcher.ended();
  }

  load(entry: CacheEntry): void {
    this.entries.set(entry.key, entry);
    this.sorted.set(entry);
  }

  apply(event: CacheEvent): void {
    const { entry, previous } = event;
    if (previous) stayAlone(previous);
    if (event.type === 'put') {
      this.entries.set(entry.key, entry);
      this.sorted.set(entry);
    } else {
      this.entries.delete(entry.key);
      this.sorted.delete(entry.key);
    }
    this.lastRevision = event.revision;
    this.#history.push(event);
    this.#trim(event.time);
    for (const listener of this.listeners) listener(event);
    for (const hearer of this.hearers) hearer.event(event);
    delete event.frames;
  }

  /** Events after `revision`. Fails with 410 when some of them are forgotten. */
  since(revision: number): CacheEvent[] {
    if (revision < this.oldestRevision) throw expired(`too old resource version: ${revision} (${this.oldestRevision})`);
    let low = this.#start;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#history[middle] as CacheEvent).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  #trim(now: number): void {
    let length = this.#history.length - this.#start;
    while (length > minEvents && (length > maxEvents || (this.#history[this.#start] as CacheEvent).time < now - freshMs)) {
      this.oldestRevision = (this.#history[this.#start] as CacheEvent).revision;
      this.#start++;
      length--;
    }
    if (this.#start > 1024 && this.#start > this.#history.length / 2) {
      this.#history = this.#history.slice(this.#start);
      this.#start = 0;
    }
  }
}

/** What the history holds must not hold its neighbours of old too. */
function stayAlone(entry: CacheEntry): void {
  delete entry.protobuf;
  if (entry.json.byteLength === entry.json.buffer.byteLength) return;
  const json = Buffer.allocUnsafeSlow(entry.json.byteLength);
  entry.json.copy(json);
  entry.json = json;
}

export type StoredObject = KubeObject & Record<string, unknown>;
