/**
 * Whether several ask at a time. Long turns of the event loop and large pieces of answers cost the least, and hurt nobody as long
 * as one client has the server for itself; who shares it gets it in smaller parts.
 */

/** So long after somebody else was last heard of the server counts as shared, in milliseconds. */
const memoryMs = 2_000;

export class Sharing {
  #last: unknown;
  #lastName = '';
  #until = Number.NEGATIVE_INFINITY;

  /** Somebody asks: `kind` and `name` together tell who. `now` by `performance.now()`. */
  heard(kind: unknown, name: string, now: number): void {
    if (kind === this.#last && name === this.#lastName) return;
    if (this.#last !== undefined) this.#until = now + memoryMs;
    this.#last = kind;
    this.#lastName = name;
  }

  isShared(now: number): boolean {
    return now < this.#until;
  }
}
