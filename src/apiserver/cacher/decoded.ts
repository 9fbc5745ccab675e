/** A bounded cache of decoded objects: what admission, authorization and conversions read again and again. */
import { parseCached } from './bytes.ts';
import type { CacheEntry, StoredObject } from './resource-cache.ts';

export class DecodedObjects {
  readonly #limit: number;
  readonly #objects = new Map<CacheEntry, StoredObject>();
  #bytes = 0;

  /** `limitBytes`: encoded bytes of the objects that are kept decoded. */
  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** Shared by all who ask: must not be changed. */
  of(entry: CacheEntry): StoredObject {
    let object = this.#objects.get(entry);
    if (object) {
      this.#objects.delete(entry);
      this.#objects.set(entry, object);
      return object;
    }
    object = parseCached(entry.json);
    object.apiVersion = entry.apiVersion;
    this.#objects.set(entry, object);
    this.#bytes += entry.json.length;
    for (const oldest of this.#objects.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.forget(oldest);
    }
    return object;
  }

  forget(entry: CacheEntry): void {
    if (this.#objects.delete(entry)) this.#bytes -= entry.json.length;
  }
}
