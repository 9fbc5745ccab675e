/**
 * Work that keeps the event loop for milliseconds and cannot be divided, as the reading of a body of a megabyte: one piece a turn, and
 * while somebody else asks no more of them than leaves most of the time to the others.
 */
import type { Sharing } from './sharing.ts';

/** After a piece, so many times as long is left to others. */
const rest = 2;
/** A piece that took less, in milliseconds, is nobody's nuisance. */
const longMs = 2;
/** The longest rest, in milliseconds: a machine that has too much to do makes pieces look long. */
const mostRestMs = 50;

export class LongTurns {
  readonly #sharing: Sharing;
  readonly #waiting: (() => void)[] = [];
  #busy = false;
  #began = 0;

  constructor(sharing: Sharing) {
    this.#sharing = sharing;
  }

  /**
   * Resolves when a piece may begin: all that the caller does at once then is the piece. `begun`: it goes on with something, and goes
   * before those who have yet to begin, since what is half done takes memory.
   */
  next(begun = false): Promise<void> {
    return new Promise((resolve) => {
      if (begun) this.#waiting.unshift(resolve);
      else this.#waiting.push(resolve);
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(this.#begin);
    });
  }

  readonly #begin = (): void => {
    const resolve = this.#waiting.shift();
    this.#busy = resolve !== undefined;
    if (!resolve) return;
    this.#began = performance.now();
    setImmediate(this.#ended);
    resolve();
  };

  readonly #ended = (): void => {
    const now = performance.now();
    const took = now - this.#began;
    if (took > longMs && this.#sharing.isShared(now)) setTimeout(this.#begin, Math.min(mostRestMs, took * rest));
    else this.#begin();
  };
}
