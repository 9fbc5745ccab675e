/**
 * Answers that are ready. A commit makes those of many writes ready at once, and all of them together are a long turn of the event
 * loop: one turn sends a few of them, of those in turn whose they are.
 */
import type { Sharing } from './sharing.ts';

/** So many a turn that have waited, and as many that have not; while somebody else asks too. */
const perTurn = 6;

export class Departures {
  readonly #sharing: Sharing;
  /** By whose they are; who was served last is last. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #sent = 0;
  #ending = false;

  constructor(sharing: Sharing) {
    this.#sharing = sharing;
  }

  /** Calls `send` at once, or soon. `now` by `performance.now()`. */
  send(whose: string, now: number, send: () => void): void {
    const line = this.#waiting.get(whose);
    if (line) {
      line.push(send);
      return;
    }
    if (this.#sent >= perTurn && this.#sharing.isShared(now) && (this.#sent >= 2 * perTurn || this.#waiting.size === 0)) {
      this.#waiting.set(whose, [send]);
      return;
    }
    this.#sent++;
    this.#endTurn();
    send();
  }

  #endTurn(): void {
    if (this.#ending) return;
    this.#ending = true;
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    this.#ending = false;
    this.#sent = 0;
    const turn: (() => void)[] = [];
    for (const [whose, line] of this.#waiting) {
      if (turn.length >= perTurn) break;
      turn.push(line.shift() as () => void);
      this.#waiting.delete(whose);
      // Comes up again in this loop, after the others.
      if (line.length > 0) this.#waiting.set(whose, line);
    }
    this.#sent = turn.length;
    if (turn.length > 0) this.#endTurn();
    for (const send of turn) send();
  };
}
