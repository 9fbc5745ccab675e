/**
 * Large answers, sent in pieces: to encrypt and write all of a long list at once would keep everybody else waiting. A turn of the
 * event loop sends one piece, of those in turn for whom there are answers to be sent.
 */
import type { Sharing } from '../flowcontrol/sharing.ts';

/** Where an answer goes. */
export interface Outlet {
  /** Calls back when the bytes were handed to the system. */
  write(chunk: Uint8Array, taken: () => void): void;
  end(): void;
  readonly closed: boolean;
}

/** How large pieces are when nobody else asks, and when somebody does; in bytes. */
const aloneBytes = 1024 * 1024;
const sharedBytes = 64 * 1024;

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

  /** The next piece, of at most so many bytes; a large part is not copied. */
  next(most: number): Uint8Array {
    const taken: Uint8Array[] = [];
    let size = 0;
    while (size < most && this.#index < this.#parts.length) {
      const part = this.#parts[this.#index] as Uint8Array;
      const end = Math.min(part.byteLength, this.#offset + most - size);
      taken.push(this.#offset === 0 && end === part.byteLength ? part : part.subarray(this.#offset, end));
      size += end - this.#offset;
      if (end < part.byteLength) this.#offset = end;
      else {
        this.#index++;
        this.#offset = 0;
      }
    }
    return taken.length === 1 ? (taken[0] as Uint8Array) : Buffer.concat(taken, size);
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
      const piece = rest.next(this.#sharing.isShared(performance.now()) ? sharedBytes : aloneBytes);
      outlet.write(piece, () => {
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
