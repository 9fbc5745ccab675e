/** Entries in key order, as chunks of a sorted sequence: cheap inserts at any size, cheap ranges. */

/** So few that a change leaves most of what was made of its neighbours, so many that a long list has few parts. */
const chunkSize = 128;

/** Neighbours as they stood at some time; the same for all who look at them, until one of them changes. */
export interface Run<E> {
  readonly entries: readonly E[];
  /** What somebody made of all of them, by what it is. Absent where nobody will ask for the same again: one has changed, or a range cuts through. */
  made: Map<string, Buffer> | undefined;
}

interface Chunk<E> {
  /** Not changed in place while there is a run of it. */
  entries: E[];
  run: Run<E> | undefined;
}

export class SortedEntries<E extends { readonly key: string }> {
  #chunks: Chunk<E>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an entry, or replaces the one with the same key. */
  set(entry: E): void {
    const chunks = this.#chunks;
    if (chunks.length === 0) {
      chunks.push({ entries: [entry], run: undefined });
      this.#size++;
      return;
    }
    const at = this.#chunkOf(entry.key);
    const entries = opened(chunks[at] as Chunk<E>);
    const index = lowerBound(entries, entry.key);
    if (entries[index]?.key === entry.key) {
      entries[index] = entry;
      return;
    }
    entries.splice(index, 0, entry);
    this.#size++;
    if (entries.length > chunkSize * 2) chunks.splice(at + 1, 0, { entries: entries.splice(chunkSize), run: undefined });
  }

  delete(key: string): void {
    if (this.#chunks.length === 0) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] as Chunk<E>;
    const index = lowerBound(chunk.entries, key);
    if (chunk.entries[index]?.key !== key) return;
    opened(chunk).splice(index, 1);
    this.#size--;
    if (chunk.entries.length === 0) this.#chunks.splice(at, 1);
  }

  clear(): void {
    this.#chunks = [];
    this.#size = 0;
  }

  /** As {@link range}, as an array of its own: whole chunks are copied at once. */
  list(prefix: string, from = prefix): E[] {
    const parts = this.#parts(prefix, from).map(({ chunk: { entries }, start, end }) => entries.slice(start, end));
    return parts.length === 1 ? (parts[0] as E[]) : parts.flat();
  }

  /** As {@link list}, in runs. */
  runs(prefix: string): Run<E>[] {
    return this.#parts(prefix, prefix).map(({ chunk, start, end }) => {
      const { entries } = chunk;
      if (end - start < entries.length) return { entries: entries.slice(start, end), made: undefined };
      chunk.run ??= { entries, made: new Map() };
      return chunk.run;
    });
  }

  #parts(prefix: string, from: string): { chunk: Chunk<E>; start: number; end: number }[] {
    const start = from > prefix ? from : prefix;
    const parts: { chunk: Chunk<E>; start: number; end: number }[] = [];
    if (this.#chunks.length === 0) return parts;
    let at = this.#chunkOf(start);
    let index = lowerBound((this.#chunks[at] as Chunk<E>).entries, start);
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at] as Chunk<E>;
      const { entries } = chunk;
      // In order: where the last one has the prefix, those before it have it too.
      const end = entries[entries.length - 1]?.key.startsWith(prefix) ? entries.length : endOf(entries, prefix, index);
      if (end > index) parts.push({ chunk, start: index, end });
      if (end < entries.length) break;
    }
    return parts;
  }

  /** Entries whose key is at least `from` and starts with `prefix`, in order. Must not be changed meanwhile. */
  *range(prefix: string, from = prefix): Generator<E> {
    const start = from > prefix ? from : prefix;
    if (this.#chunks.length === 0) return;
    let at = this.#chunkOf(start);
    let index = lowerBound((this.#chunks[at] as Chunk<E>).entries, start);
    for (; at < this.#chunks.length; at++, index = 0) {
      const { entries } = this.#chunks[at] as Chunk<E>;
      for (; index < entries.length; index++) {
        const entry = entries[index] as E;
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
      if (((this.#chunks[middle] as Chunk<E>).entries[0] as E).key <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** A chunk's entries, to be changed: whoever holds the run keeps them as they were. */
function opened<E>(chunk: Chunk<E>): E[] {
  if (chunk.run) {
    chunk.entries = chunk.entries.slice();
    chunk.run.made = undefined;
    chunk.run = undefined;
  }
  return chunk.entries;
}

/** Of entries from `low` on, the first without the prefix. */
function endOf(entries: readonly { readonly key: string }[], prefix: string, low: number): number {
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as { key: string }).key.startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBound(entries: readonly { readonly key: string }[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as { key: string }).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
