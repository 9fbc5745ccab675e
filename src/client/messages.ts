/**
 * What the two ends of a message port say to each other. All that is said in one turn of the event loop goes in one message, its
 * bytes in one buffer, since a message costs more than what most of them carry.
 */

/** `id` numbers the requests of one port; `size` is how many of the batch's bytes are this part's: they stand in the order of the parts. */
interface Part {
  id: number;
  size?: number;
}

/** Of a request: itself (its bytes are the body), how much of its answer was read since, and that nobody wants the rest. */
export interface RequestPart extends Part {
  request?: { method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; path: string; headers?: Record<string, string> };
  /** The consumer has taken that many bytes: as many more may be sent. */
  consumed?: number;
  abort?: true;
}

/** Of an answer: its head, a piece of its body, its end. */
export interface AnswerPart extends Part {
  head?: { status: number; headers: Record<string, string> };
  last?: true;
  error?: { message: string; name: string };
}

export interface Batch<P extends Part> {
  parts: P[];
  bytes?: Uint8Array;
  /** Nothing comes after this. */
  close?: true;
}

/** Bytes of one answer that may be under way or waiting in the other thread. */
export const windowBytes = 1 << 20;

export interface Outbox<P extends Part> {
  /** What will be said of this request in this turn, to be added to. */
  about(id: number): P;
  /** Bytes behind those that were given before; they must not change until they are sent. */
  add(id: number, data: Uint8Array): void;
  flush(close?: true): void;
}

export function createOutbox<P extends Part>(post: (batch: Batch<P>, transfer: ArrayBuffer[]) => void): Outbox<P> {
  let waiting = new Map<number, { part: P; chunks: Uint8Array[] }>();
  let timer: NodeJS.Immediate | undefined;

  function entryOf(id: number): { part: P; chunks: Uint8Array[] } {
    let entry = waiting.get(id);
    if (entry) return entry;
    timer ??= setImmediate(flush);
    entry = { part: { id } as P, chunks: [] };
    waiting.set(id, entry);
    return entry;
  }

  function flush(close?: true): void {
    clearImmediate(timer);
    timer = undefined;
    const entries = [...waiting.values()];
    waiting = new Map();
    const all: Uint8Array[] = [];
    let total = 0;
    const parts = entries.map(({ part, chunks }) => {
      const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      all.push(...chunks);
      total += size;
      return size > 0 ? { ...part, size } : part;
    });
    const bytes = total > 0 ? ownedCopy(all, total) : undefined;
    post({ parts, ...(bytes ? { bytes } : {}), ...(close ? { close } : {}) }, bytes ? [bytes.buffer] : []);
  }

  return {
    about: (id) => entryOf(id).part,
    add: (id, data) => void entryOf(id).chunks.push(data),
    flush,
  };
}

/** Each part with its bytes: a view of the batch's. */
export function* partsOf<P extends Part>({ parts, bytes }: Batch<P>): Generator<[P, Uint8Array | undefined]> {
  let offset = 0;
  for (const part of parts) {
    const { size = 0 } = part;
    yield [part, size > 0 ? bytes?.subarray(offset, offset + size) : undefined];
    offset += size;
  }
}

/** One copy into a buffer of its own, which can then change threads without another copy. The source may be shared by many watchers. */
function ownedCopy(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    copy.set(chunk, offset);
    offset += chunk.length;
  }
  return copy;
}
