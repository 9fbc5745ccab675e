import type { RequestContext } from '../context.ts';
import type { Queue } from './queueset.ts';
import type { Work } from './work.ts';

/** How long a request is thought to take before it is known, in seconds. */
export const guessSeconds = 0.003;

/** One request on its way through flow control: in a queue, then in its seats. */
export class Ticket<F = unknown> {
  /** What it was classified as; the queues do not look at it. */
  readonly flow: F;
  readonly distinguisher: string;
  readonly context: RequestContext | undefined;
  readonly initialSeats: number;
  finalSeats: number;
  /** How long the final seats are kept when the request is done, in milliseconds. */
  lingerMs: number;
  /** The queues that it may be put in, absent where there are none. */
  readonly hand: readonly number[];
  queue: Queue<F> | undefined;
  /** The virtual time of its arrival. */
  arrivalR = 0;
  arrived = 0;
  /** When it was given its seats; 0 while it waits. */
  started = 0;
  /** Where it stands among those that execute; -1 when it does not. */
  place = -1;
  /** Called when its waiting ends: true, it is its turn; false, it is turned away. */
  settle: ((run: boolean) => void) | undefined;
  /** When it has waited enough, in milliseconds of the queues' clock. */
  expires = Number.POSITIVE_INFINITY;

  constructor(flow: F, distinguisher: string, hand: readonly number[], work: Work, context?: RequestContext) {
    this.flow = flow;
    this.distinguisher = distinguisher;
    this.hand = hand;
    this.initialSeats = work.initialSeats;
    this.finalSeats = work.finalSeats;
    this.lingerMs = work.lingerMs;
    this.context = context;
  }

  get seats(): number {
    return this.initialSeats > this.finalSeats ? this.initialSeats : this.finalSeats;
  }

  /** In seat-seconds, as it is thought before it has run. */
  get work(): number {
    return this.initialSeats * guessSeconds + (this.finalSeats * this.lingerMs) / 1000;
  }
}
