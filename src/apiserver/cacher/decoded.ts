/** A bounded cache of decoded objects: what admission, authorization and conversions read again and again. */
import type { Struct } from '../../apimachinery/schema.ts';
import { parseCached } from './bytes.ts';
import type { CacheEntry, StoredObject } from './resource-cache.ts';

export class DecodedObjects {
  readonly #limit: number;
  /**
   * What was asked for of late, and what was so before that: when the former has had its share of the limit it becomes the latter, of
   * which is dropped what nobody asked for. To put an entry at the end of a Map each time it is asked for would cost more than to
   * decode it: the holes which that leaves are all looked through again, and they are as many as the Map has entries.
   */
  #recent = new Map<CacheEntry, StoredObject>();
  #former = new Map<CacheEntry, StoredObject>();
  #recentBytes = 0;

  readonly #structOf: (entry: CacheEntry) => Struct | undefined;

  /** `limitBytes`: encoded bytes of the objects that are kept decoded. */
  constructor(limitBytes: number, structOf: (entry: CacheEntry) => Struct | undefined) {
    this.#limit = limitBytes;
    this.#structOf = structOf;
  }

  /** Shared by all who ask: must not be changed. */
  of(entry: CacheEntry): StoredObject {
    const recent = this.#recent.get(entry);
    if (recent) return recent;
    let object = this.#former.get(entry);
    if (object) {
      this.#former.delete(entry);
    } else {
      object = decode(entry, this.#structOf(entry));
    }
    this.#recent.set(entry, object);
    this.#recentBytes += entry.json.length;
    if (this.#recentBytes > this.#limit / 2) {
      this.#former = this.#recent;
      this.#recent = new Map();
      this.#recentBytes = 0;
    }
    return object;
  }

  forget(entry: CacheEntry): void {
    if (this.#recent.delete(entry)) this.#recentBytes -= entry.json.length;
    else this.#former.delete(entry);
  }
}

/** The caller's own. */
export function decode(entry: CacheEntry, struct: Struct | undefined): StoredObject {
  const object: StoredObject = parseCached(entry.json, struct);
  object.apiVersion = entry.apiVersion;
  return object;
}
