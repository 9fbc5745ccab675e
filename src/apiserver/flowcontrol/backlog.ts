/** Those who wait, of all levels: begun in fair order as seats come free and turns of the event loop begin. */
import type { Flow } from './flow.ts';
import type { Levels, PriorityLevel } from './levels.ts';
import type { Sharing } from './sharing.ts';
import type { Ticket } from './ticket.ts';
import { Turn } from './turn.ts';

export class Backlog {
  readonly #levels: Levels<Flow>;
  readonly #turn: Turn;
  #running = false;
  /** Whoever is next needs seats that are taken: there is nothing to do before some come free. */
  #blocked = true;
  /** How many wait. */
  #size = 0;
  /** How far the level was that was served last. */
  #pass = 0;

  constructor(levels: Levels<Flow>, sharing: Sharing) {
    this.#levels = levels;
    this.#turn = new Turn(sharing, () => {
      if (!this.#blocked) this.#run();
    });
  }

  /** Whether a request that comes now may begin at once, where there are seats for it. */
  mayBegin(now: number): boolean {
    return this.#turn.isFree(now);
  }

  began({ flow: { level }, seats }: Ticket<Flow>): void {
    if (level.config.exempt) return;
    this.#turn.began();
    level.pass = Math.max(level.pass, this.#pass) + seats / Math.max(1, level.current);
  }

  /** Somebody came into a queue, or left it. */
  queued(by: 1 | -1): void {
    this.#size += by;
  }

  /** Somebody of the level was put into a queue. */
  waits(level: PriorityLevel<Flow>): void {
    this.#blocked = false;
    // A level does not save up what it did not ask for.
    if (level.queues.waiting === 1 && level.pass < this.#pass) level.pass = this.#pass;
    // Should there be seats, and the turn be over already, its end would not be heard.
    if (!this.#running && this.#turn.isFree(performance.now())) this.#run();
  }

  freed(): void {
    if (this.#size === 0) return;
    this.#blocked = false;
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#step();
  }

  /** One at a time: all that a request does at once is done before the next step looks at the clock. */
  readonly #step = (): void => {
    const waiting = this.#waiting();
    if (waiting.length === 0 || !this.#turn.isFree(performance.now())) {
      this.#running = false;
      this.#blocked = waiting.length === 0;
      return;
    }
    for (const level of waiting) {
      const before = level.queues.seatsInUse;
      if (!level.queues.dispatch()) continue;
      this.#pass = level.pass;
      this.#turn.began();
      level.pass += Math.max(1, level.queues.seatsInUse - before) / Math.max(1, level.current);
      queueMicrotask(() => process.nextTick(this.#step));
      return;
    }
    this.#running = false;
    this.#blocked = true;
  };

  /** Levels in which somebody waits; the one that had the least of late is first. */
  #waiting(): PriorityLevel<Flow>[] {
    const waiting: PriorityLevel<Flow>[] = [];
    for (const level of this.#levels.byName.values()) if (level.queues.waiting > 0) waiting.push(level);
    return waiting.length > 1 ? waiting.sort((a, b) => a.pass - b.pass) : waiting;
  }
}
