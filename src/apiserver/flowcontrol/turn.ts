/**
 * Turns of the event loop. Requests that are all work and no waiting are over before the next one is seen, however many
 * there are: a turn that has had its share of them begins no more, so that the next connection is looked at soon, and what
 * came meanwhile is begun in fair order.
 */
import type { Sharing } from './sharing.ts';

interface Share {
  /** A turn begins no more requests after so many milliseconds, */
  milliseconds: number;
  /** or after so many requests: those of one HTTP/2 connection come all at once, before the first of them has done anything. */
  requests: number;
}

const alone: Share = { milliseconds: 1, requests: 32 };
/** What somebody else waits for half of, on average: not much more than a request takes by itself. */
const shared: Share = { milliseconds: 0.15, requests: 6 };

export class Turn {
  #started = -1;
  #requests = 0;
  #share = alone;
  readonly #sharing: Sharing;
  readonly #onEnd: () => void;

  /** `onEnd` is called after each turn in which somebody asked. */
  constructor(sharing: Sharing, onEnd: () => void) {
    this.#sharing = sharing;
    this.#onEnd = onEnd;
  }

  /** Whether this turn may begin one more, by `performance.now()`: to ask the clock costs more than all the rest here. */
  isFree(now: number): boolean {
    if (this.#started < 0) {
      this.#started = now;
      this.#requests = 0;
      this.#share = this.#sharing.isShared(now) ? shared : alone;
      setImmediate(this.#end);
      return true;
    }
    return this.#requests < this.#share.requests && now - this.#started < this.#share.milliseconds;
  }

  began(): void {
    this.#requests++;
  }

  readonly #end = (): void => {
    this.#started = -1;
    this.#onEnd();
  };
}
