/**
 * Turns of the event loop. Requests that are all work and no waiting are over before the next one is seen, however many
 * there are: a turn that has had its share of them begins no more, so that the next connection is looked at soon, and what
 * came meanwhile is begun in fair order.
 */

/** A turn begins no more requests after so many milliseconds, */
const turnMs = 1;
/** or after so many requests: those of one HTTP/2 connection come all at once, before the first of them has done anything. */
const turnRequests = 32;

export class Turn {
  #started = -1;
  #requests = 0;
  readonly #onEnd: () => void;

  /** `onEnd` is called after each turn in which somebody asked. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Whether this turn may begin one more, by `performance.now()`: to ask the clock costs more than all the rest here. */
  isFree(now: number): boolean {
    if (this.#started < 0) {
      this.#started = now;
      this.#requests = 0;
      setImmediate(this.#end);
      return true;
    }
    return this.#requests < turnRequests && now - this.#started < turnMs;
  }

  began(): void {
    this.#requests++;
  }

  readonly #end = (): void => {
    this.#started = -1;
    this.#onEnd();
  };
}
