/**
 * Requests that are refused before it is known whose they are (no credentials, no request at all): they take no seats, and yet
 * their answers cost time. A turn of the event loop gives few of them; the rest wait, all in one line.
 */
import type { Sharing } from './sharing.ts';

/** So many a turn, while somebody else asks too. */
const perTurn = 4;
/** When so many wait, who comes is answered at once: nothing piles up without bound. */
const mostWaiting = 10_000;

export class Refusals {
  readonly #sharing: Sharing;
  #waiting: (() => void)[] = [];
  #given = 0;
  #ending = false;

  constructor(sharing: Sharing) {
    this.#sharing = sharing;
  }

  /** Resolves when one more may be answered; undefined: at once. `now` by `performance.now()`. */
  enter(now: number): Promise<void> | undefined {
    this.#sharing.heard(this, '', now);
    if (!this.#ending) {
      this.#ending = true;
      setImmediate(this.#end);
    }
    if ((this.#given < perTurn && this.#waiting.length === 0) || this.#waiting.length >= mostWaiting || !this.#sharing.isShared(now)) {
      this.#given++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  readonly #end = (): void => {
    const next = this.#waiting.splice(0, perTurn);
    this.#given = next.length;
    for (const resolve of next) resolve();
    this.#ending = this.#waiting.length > 0 || next.length > 0;
    if (this.#ending) setImmediate(this.#end);
    else this.#given = 0;
  };
}
