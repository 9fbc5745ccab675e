/** Entries in key order, as chunks of a sorted sequence: cheap inserts at any size, cheap ranges. */

const chunkSize = 512;

export class SortedEntries<E extends { readonly key: string }> {
  #chunks: E[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an entry, or replaces the one with the same key. */
  set(entry: E): void {
    const chunks = this.#chunks;
    const last = chunks[chunks.length - 1];
    if (!last) {
      chunks.push([entry]);
      this.#size++;
      return;
    }
    const at = this.#chunkOf(entry.key);
    const chunk = chunks[at] as E[];
    const index = lowerBound(chunk, entry.key);
    if (chunk[index]?.key === entry.key) {
      chunk[index] = entry;
      return;
    }
    chunk.splice(index, 0, entry);
    this.#size++;
    if (chunk.length > chunkSize * 2) chunks.splice(at + 1, 0, chunk.splice(chunkSize));
  }

  delete(key: string): void {
    if (this.#chunks.length === 0) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] as E[];
    const index = lowerBound(chunk, key);
    if (chunk[index]?.key !== key) return;
    chunk.splice(index, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  clear(): void {
    this.#chunks = [];
    this.#size = 0;
  }

  /** As {@link range}, as an array of its own: whole chunks are copied at once. */
  list(prefix: string, from = prefix): E[] {
    const start = from > prefix ? from : prefix;
    if (this.#chunks.length === 0) return [];
    const parts: E[][] = [];
    let at = this.#chunkOf(start);
    let index = lowerBound(this.#chunks[at] as E[], start);
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at] as E[];
      // In order: where the last one has the prefix, those before it have it too.
      const end = chunk[chunk.length - 1]?.key.startsWith(prefix) ? chunk.length : endOf(chunk, prefix, index);
      parts.push(chunk.slice(index, end));
      if (end < chunk.length) break;
    }
    return parts.length === 1 ? (parts[0] as E[]) : parts.flat();
  }

  /** Entries whose key is at least `from` and starts with `prefix`, in order. Must not be changed meanwhile. */
  *range(prefix: string, from = prefix): Generator<E> {
    const start = from > prefix ? from : prefix;
    if (this.#chunks.length === 0) return;
    let at = this.#chunkOf(start);
    let index = lowerBound(this.#chunks[at] as E[], start);
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at] as E[];
      for (; index < chunk.length; index++) {
        const entry = chunk[index] as E;
        if (!entry.key.startsWith(prefix)) return;
        yield entry;
      }
    }
  }

  /** The last chunk whose first key is not after `key`. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#chunks[middle] as E[])[0] as E).key <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Of entries from `low` on, the first without the prefix. */
function endOf(chunk: readonly { readonly key: string }[], prefix: string, low: number): number {
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as { key: string }).key.startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBound(chunk: readonly { readonly key: string }[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as { key: string }).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
