/**
 * The fair queues of one level, and its seats. Fair queuing for server requests (KEP-1040): `R` is a meter of the
 * seat-seconds that every busy queue has had a right to so far; each queue keeps the reading at which its next request would
 * begin, and the request that would end first in those terms is next.
 */
import { Demand } from './demand.ts';
import { guessSeconds, type Ticket } from './ticket.ts';

export interface QueueSettings {
  /** 0: what finds no seat is turned away; -1: there is no limit at all. */
  queues: number;
  handSize: number;
  queueLengthLimit: number;
}

export interface Queue<F = unknown> {
  index: number;
  nextDispatchR: number;
  /** In the order of arrival. */
  waiting: Set<Ticket<F>>;
  waitingSeats: number;
  waitingWork: number;
  executing: number;
  /** Of those that execute, and of those that are done and still hold seats. */
  seatsInUse: number;
}

const newQueue = <F>(index: number): Queue<F> => ({
  index,
  nextDispatchR: 0,
  waiting: new Set(),
  waitingSeats: 0,
  waitingWork: 0,
  executing: 0,
  seatsInUse: 0,
});

const oldestOf = <F>({ waiting }: Queue<F>): Ticket<F> => waiting.values().next().value as Ticket<F>;
const isBusy = <F>({ waiting, executing }: Queue<F>): boolean => executing > 0 || waiting.size > 0;

export interface QueueSetHost<F> {
  /** Milliseconds of a steady clock. */
  now(): number;
  /** Calls back when that time is over. */
  after(milliseconds: number, then: () => void): void;
  started?(ticket: Ticket<F>): void;
  queued?(ticket: Ticket<F>, by: 1 | -1): void;
  /** The request that is next needs more seats than are free. */
  blocked?(ticket: Ticket<F>): void;
  /** Seats became free. */
  freed(): void;
}

export class QueueSet<F = unknown> {
  settings: QueueSettings;
  limit: number;
  readonly demand: Demand;
  /** In no order. No set: what was in an outgrown table of one lives until the next full garbage collection. */
  readonly executing: Ticket<F>[] = [];
  waiting = 0;
  seatsWaiting = 0;
  seatsInUse = 0;
  dispatched = 0;
  rejected = 0;
  cancelled = 0;
  queues: Queue<F>[] = [];
  readonly #host: QueueSetHost<F>;
  /** Queues in which somebody waits; the one that was served last is last. */
  readonly #backlog = new Set<Queue<F>>();
  #busyQueues = 0;
  /** Seats in use of requests that came through a queue. */
  #queueSeats = 0;
  #currentR = 0;
  #lastTime: number;
  #enqueues = 0;

  constructor(settings: QueueSettings, limit: number, host: QueueSetHost<F>) {
    this.settings = settings;
    this.limit = limit;
    this.#host = host;
    this.#lastTime = host.now();
    this.demand = new Demand(this.#lastTime);
    this.configure(settings, limit);
  }

  get idle(): boolean {
    return this.waiting === 0 && this.executing.length === 0;
  }

  /** Queues that are one too many go when they are empty. */
  configure(settings: QueueSettings, limit: number): void {
    this.#advance();
    this.settings = settings;
    this.limit = limit;
    while (this.queues.length < settings.queues) this.queues.push(newQueue(this.queues.length));
    this.#drop();
  }

  /**
   * Takes a request: `run` gives it its seats at once, `wait` puts it into a queue, `full` turns it away. `free`: it may run at once.
   * `now`: when it came, which may be a moment ago.
   */
  admit(ticket: Ticket<F>, free: boolean, now = this.#host.now()): 'run' | 'wait' | 'full' {
    this.#advance(now);
    ticket.arrived = now;
    if (ticket.hand.length === 0) {
      if (!this.#fits(ticket.seats)) return this.#refuse();
      this.#execute(ticket, now);
      return 'run';
    }
    const queue = this.#choose(ticket.hand);
    ticket.queue = queue;
    const idle = queue.waiting.size === 0;
    ticket.arrivalR = idle ? this.#floor() : this.#currentR;
    const runs = free && this.waiting === 0 && this.#fits(ticket.seats);
    if (!runs && this.seatsInUse >= this.limit && queue.waiting.size >= this.settings.queueLengthLimit) return this.#refuse();
    if (!isBusy(queue)) {
      queue.nextDispatchR = ticket.arrivalR;
      this.#busyQueues++;
    } else if (idle && queue.nextDispatchR < ticket.arrivalR) queue.nextDispatchR = ticket.arrivalR;
    if (runs) {
      this.#execute(ticket, now);
      return 'run';
    }
    queue.waiting.add(ticket);
    queue.waitingSeats += ticket.seats;
    queue.waitingWork += ticket.work;
    this.#backlog.add(queue);
    this.waiting++;
    this.seatsWaiting += ticket.seats;
    this.demand.set(this.seatsInUse + this.seatsWaiting, now);
    this.#host.queued?.(ticket, 1);
    return 'wait';
  }

  /** Lets the one that is next run; false when nobody waits, or there are too few seats for it. */
  dispatch(): boolean {
    if (this.waiting === 0) return false;
    const now = this.#advance();
    let next: Queue<F> | undefined;
    let first: Ticket<F> | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const queue of this.#backlog) {
      const oldest = oldestOf(queue);
      const finish = queue.nextDispatchR + oldest.work;
      if (finish >= earliest) continue;
      earliest = finish;
      next = queue;
      first = oldest;
    }
    if (!next || !first) return false;
    if (!this.#fits(first.seats)) {
      this.#host.blocked?.(first);
      return false;
    }
    this.#take(first, next);
    if (next.waiting.size > 0) {
      this.#backlog.delete(next);
      this.#backlog.add(next);
    }
    // More seats than there are would never come free: the same work in fewer seats takes longer.
    if (first.finalSeats > this.limit && this.limit > 0) {
      first.lingerMs = (first.lingerMs * first.finalSeats) / this.limit;
      first.finalSeats = this.limit;
    }
    this.#execute(first, now);
    this.#bound(next);
    first.settle?.(true);
    return true;
  }

  /** The request is done; its final seats are kept a while longer. */
  finish(ticket: Ticket<F>, now = this.#host.now()): void {
    this.#advance(now);
    const last = this.executing.pop() as Ticket<F>;
    if (last !== ticket) {
      last.place = ticket.place;
      this.executing[ticket.place] = last;
    }
    ticket.place = -1;
    const { queue } = ticket;
    if (queue) {
      queue.executing--;
      if (!isBusy(queue)) this.#busyQueues--;
      queue.nextDispatchR -= ticket.initialSeats * (guessSeconds - (now - ticket.started) / 1000);
      this.#bound(queue);
    }
    if (ticket.lingerMs <= 0 || this.settings.queues < 0) this.#release(ticket, now);
    else
      this.#host.after(ticket.lingerMs, () => {
        this.#release(ticket, this.#advance());
        this.#host.freed();
      });
  }

  /** Takes a request out of its queue: its client is gone, or it has waited long enough. */
  cancel(ticket: Ticket<F>): void {
    const { queue } = ticket;
    if (!queue?.waiting.has(ticket)) return;
    const now = this.#advance();
    this.#take(ticket, queue);
    if (!isBusy(queue)) this.#busyQueues--;
    this.#bound(queue);
    this.rejected++;
    this.cancelled++;
    this.demand.set(this.seatsInUse + this.seatsWaiting, now);
    ticket.settle?.(false);
  }

  /** Turns away those who have waited long enough. */
  expire(): void {
    const now = this.#host.now();
    for (const queue of [...this.#backlog]) for (const ticket of [...queue.waiting]) if (ticket.expires <= now) this.cancel(ticket);
  }

  #refuse(): 'full' {
    this.rejected++;
    return 'full';
  }

  #fits(seats: number): boolean {
    if (this.settings.queues < 0) return true;
    return seats > this.limit ? this.executing.length === 0 : this.seatsInUse + seats <= this.limit;
  }

  /** Of a hand, the queue with the least work; of several, another one each time. */
  #choose(hand: readonly number[]): Queue<F> {
    const offset = this.#enqueues++ % hand.length;
    let best = this.queues[hand[offset] as number] as Queue<F>;
    for (let index = 1; index < hand.length && best.waitingWork > 0; index++) {
      const other = this.queues[hand[(offset + index) % hand.length] as number] as Queue<F>;
      if (other.waitingWork < best.waitingWork) best = other;
    }
    return best;
  }

  #take(ticket: Ticket<F>, queue: Queue<F>): void {
    queue.waiting.delete(ticket);
    queue.waitingSeats -= ticket.seats;
    queue.waitingWork = queue.waiting.size === 0 ? 0 : queue.waitingWork - ticket.work;
    if (queue.waiting.size === 0) this.#backlog.delete(queue);
    this.waiting--;
    this.seatsWaiting -= ticket.seats;
    this.#host.queued?.(ticket, -1);
  }

  #execute(ticket: Ticket<F>, now: number): void {
    const { seats, queue } = ticket;
    ticket.started = now;
    ticket.place = this.executing.push(ticket) - 1;
    this.dispatched++;
    this.seatsInUse += seats;
    if (queue) {
      queue.executing++;
      queue.seatsInUse += seats;
      queue.nextDispatchR += ticket.work;
      this.#queueSeats += seats;
    }
    this.demand.set(this.seatsInUse + this.seatsWaiting, now);
    this.#host.started?.(ticket);
  }

  #release(ticket: Ticket<F>, now: number): void {
    const { seats, queue } = ticket;
    this.seatsInUse -= seats;
    if (queue) {
      queue.seatsInUse -= seats;
      this.#queueSeats -= seats;
      if (this.queues.length > this.settings.queues) this.#drop();
    }
    this.demand.set(this.seatsInUse + this.seatsWaiting, now);
  }

  /** Queues that are too many and empty; only from the end, since hands that were dealt name queues by their number. */
  #drop(): void {
    const keep = Math.max(0, this.settings.queues);
    while (this.queues.length > keep) {
      const last = this.queues.at(-1) as Queue<F>;
      if (isBusy(last) || last.seatsInUse > 0) return;
      this.queues.pop();
    }
  }

  /**
   * Where a queue begins that was idle: at the meter, yet behind nobody who waits. Queues that are behind the meter, since the
   * seats or the processor were somebody else's for a while, are owed what they missed; but not by those who come later.
   */
  #floor(): number {
    let floor = this.#currentR;
    for (const { nextDispatchR } of this.#backlog) if (nextDispatchR < floor) floor = nextDispatchR;
    return floor;
  }

  /** A queue that could not use all it had a right to does not save it up. */
  #bound(queue: Queue<F>): void {
    if (queue.waiting.size === 0) return;
    const { arrivalR } = oldestOf(queue);
    if (queue.nextDispatchR < arrivalR) queue.nextDispatchR = arrivalR;
  }

  /** Brings the meter up to now; before anything changes. */
  #advance(now = this.#host.now()): number {
    if (now <= this.#lastTime) return now;
    // By the seats that are in use, where upstream takes those that could be: they are the same as long as somebody who waits is
    // given every free seat at once, which is not so where turns of the event loop are what is short. Then a meter of what could be
    // had would run away from what is had, and whoever comes last would begin behind everybody who waits.
    if (this.#busyQueues > 0) this.#currentR += (this.#queueSeats / this.#busyQueues) * ((now - this.#lastTime) / 1000);
    this.#lastTime = now;
    return now;
  }
}
