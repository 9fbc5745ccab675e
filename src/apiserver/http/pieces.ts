/**
 * Large answers, sent in pieces: to encrypt and write all of a long list at once would keep everybody else waiting. A turn of the
 * event loop sends one piece, of those in turn for whom there are answers to be sent.
 */
import type { Sharing } from '../flowcontrol/sharing.ts';

/** Where an answer goes. */
export interface Outlet {
  /** Calls back when the bytes were handed to the system, or with an error when they never will be. */
  write(chunk: Uint8Array, taken: (error?: Error | null) => void): void;
  end(): void;
  readonly closed: boolean;
}

/** How large pieces are when nobody else asks, and when somebody does; in bytes. */
const aloneBytes = 1024 * 1024;
const sharedBytes = 64 * 1024;

/** Kept for the next piece: memory that is asked for anew each time is what keeps the garbage collector busy. */
const mostSpare = 2;

/** Where pieces are put together, used again when one was handed to the system. */
class Scratch {
  readonly #bytes: number;
  readonly #spare: Buffer[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  give(buffer: Buffer): void {
    if (this.#spare.length < mostSpare) this.#spare.push(buffer);
  }
}

/** What is left of an answer. */
class Rest {
  readonly #parts: readonly Uint8Array[];
  #index = 0;
  /** Into the part at the index. */
  #offset = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
  }

  get empty(): boolean {
    return this.#index >= this.#parts.length;
  }

  /** The next piece: of a large part so many bytes, which are not copied; or as much of small ones as fits `space`. */
  next(most: number, space: () => Buffer): { piece: Uint8Array; used: Buffer | undefined } {
    if (this.#isLarge() || this.#index === this.#parts.length - 1) return { piece: this.#part(most), used: undefined };
    const used = space();
    let size = 0;
    while (size < most && !this.empty && !this.#isLarge()) {
      const part = this.#part(most - size);
      used.set(part, size);
      size += part.byteLength;
    }
    return { piece: used.subarray(0, size), used };
  }

  #isLarge(): boolean {
    return (this.#parts[this.#index] as Uint8Array).byteLength - this.#offset >= sharedBytes;
  }

  /** Of the part at the index, at most so many bytes. */
  #part(most: number): Uint8Array {
    const part = this.#parts[this.#index] as Uint8Array;
    const start = this.#offset;
    const end = Math.min(part.byteLength, start + most);
    if (end < part.byteLength) this.#offset = end;
    else {
      this.#index++;
      this.#offset = 0;
    }
    return start === 0 && end === part.byteLength ? part : part.subarray(start, end);
  }
}

interface Sending {
  rest: Rest;
  outlet: Outlet;
  whose: string;
  /** In the order in which they came. */
  number: number;
}

export class PieceSender {
  readonly #sharing: Sharing;
  readonly #large = new Scratch(aloneBytes);
  readonly #small = new Scratch(sharedBytes);
  /** Answers that can take a piece, by whose they are; who was served last is last. */
  readonly #ready = new Map<string, Sending[]>();
  #count = 0;
  #scheduled = false;

  constructor(sharing: Sharing) {
    this.#sharing = sharing;
  }

  /** `whose`: those of one share what there is of turns. */
  send(parts: readonly Uint8Array[], whose: string, outlet: Outlet): void {
    this.#offer({ rest: new Rest(parts), outlet, whose, number: this.#count++ });
  }

  /** Of one's own answers the first goes on before the others: many at a time would all be late. */
  #offer(one: Sending): void {
    const standing = this.#ready.get(one.whose);
    if (!standing) this.#ready.set(one.whose, [one]);
    else {
      let place = standing.length;
      while (place > 0 && (standing[place - 1] as Sending).number > one.number) place--;
      standing.splice(place, 0, one);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    for (const [whose, waiting] of this.#ready) {
      const one = waiting.shift();
      this.#ready.delete(whose);
      if (waiting.length > 0) this.#ready.set(whose, waiting);
      if (!one || one.outlet.closed) continue;
      const { rest, outlet } = one;
      const [most, scratch] = this.#sharing.isShared(performance.now()) ? [sharedBytes, this.#small] : [aloneBytes, this.#large];
      const { piece, used } = rest.next(most, () => scratch.take());
      outlet.write(piece, (error) => {
        // Of a connection that broke, something may still hold it.
        if (used && !error) scratch.give(used);
        if (rest.empty || outlet.closed) return;
        this.#offer(one);
      });
      if (rest.empty) outlet.end();
      break;
    }
    if (this.#ready.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  };
}

/** What is smaller is sent at once. */
export const largeAnswer = sharedBytes;
