/** All priority levels together: each with its share of the server's seats, lending and borrowing what is not used. */
import type { Claim } from './allocation.ts';
import { allocate } from './allocation.ts';
import type { LevelConfig } from './config.ts';
import type { QueueSetHost, QueueSettings } from './queueset.ts';
import { QueueSet } from './queueset.ts';
import { RetryAfter } from './retryafter.ts';

/** One request takes at most this part of a level's seats. */
const mostSeatsPart = 0.15;

export class PriorityLevel<F> {
  config: LevelConfig;
  readonly queues: QueueSet<F>;
  readonly retryAfter = new RetryAfter();
  nominal = 0;
  /** What it never lends. */
  lower = 0;
  /** With all that it may borrow. */
  upper = 0;
  current = 0;
  /** What it is thought to want, in seats. */
  target = 0;
  /** The most that one request takes; 0: only the general limits hold. */
  mostSeats = 0;
  /** Its object is gone; it serves those that it has, and goes too. */
  quiescing = false;
  /** What it had of the event loop, in seat-turns by seats: the level with the least is next. */
  pass = 0;

  constructor(config: LevelConfig, host: QueueSetHost<F>) {
    this.config = config;
    this.queues = new QueueSet(settingsOf(config), 0, host);
  }

  /** The share of `shares` in all seats of the server. */
  divide(seats: number, shares: number): void {
    const { shares: own, lendablePercent, borrowingLimitPercent, queuing } = this.config;
    this.nominal = shares > 0 ? Math.ceil((seats * own) / shares) : 0;
    this.lower = this.nominal - Math.round((this.nominal * lendablePercent) / 100);
    this.upper = this.nominal + (borrowingLimitPercent === undefined ? seats : Math.round((this.nominal * borrowingLimitPercent) / 100));
    this.mostSeats = queuing ? Math.max(1, Math.min(Math.ceil(this.nominal * mostSeatsPart), Math.floor(this.nominal / queuing.handSize))) : 0;
  }
}

function settingsOf({ exempt, queuing }: LevelConfig): QueueSettings {
  if (exempt) return { queues: -1, handSize: 0, queueLengthLimit: 0 };
  return queuing ? { queues: queuing.queues, handSize: queuing.handSize, queueLengthLimit: queuing.queueLengthLimit } : noQueues;
}

const noQueues: QueueSettings = { queues: 0, handSize: 0, queueLengthLimit: 0 };

export class Levels<F> {
  readonly byName = new Map<string, PriorityLevel<F>>();
  /** By how much the levels' wants are cut, or could be raised; 0 when there is nothing to share. */
  fairFraction = 0;
  readonly #seats: number;
  readonly #host: QueueSetHost<F>;
  #nominalSum = 0;

  /** `seats`: how many requests the server serves at a time, all levels together. */
  constructor(seats: number, host: QueueSetHost<F>) {
    this.#seats = seats;
    this.#host = host;
  }

  configure(configs: readonly LevelConfig[]): void {
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, level] of this.byName) {
      if (wanted.has(name)) continue;
      if (level.queues.idle) this.byName.delete(name);
      else level.quiescing = true;
    }
    const isNew = new Set<PriorityLevel<F>>();
    for (const config of configs) {
      const standing = this.byName.get(config.name);
      const level = standing ?? new PriorityLevel<F>(config, this.#host);
      if (!standing) isNew.add(level);
      level.config = config;
      level.quiescing = false;
      this.byName.set(config.name, level);
    }
    const all = [...this.byName.values()];
    const shares = all.reduce((sum, { config }) => sum + config.shares, 0);
    for (const level of all) {
      level.divide(this.#seats, shares);
      if (isNew.has(level)) level.current = level.nominal - Math.floor((level.nominal - level.lower) / 2);
    }
    this.#nominalSum = all.reduce((sum, { nominal }) => sum + nominal, 0);
    this.adjust();
  }

  /** Moves seats to where they are wanted, as the last period showed; a level that is no longer wanted and empty goes. */
  adjust(): void {
    const now = this.#host.now();
    const limited: PriorityLevel<F>[] = [];
    const claims: Claim[] = [];
    let left = this.#nominalSum;
    for (const level of this.byName.values()) {
      const { demand } = level.queues;
      demand.period(now);
      if (level.config.exempt) {
        level.current = level.target = Math.max(level.lower, demand.highWatermark);
        left -= level.current;
        continue;
      }
      const low = Math.max(level.lower, Math.min(level.nominal, demand.highWatermark));
      const target = Math.max(low, demand.smoothed);
      level.target = target;
      limited.push(level);
      claims.push({ low, high: Math.max(low, level.upper), target });
    }
    this.#share(limited, claims, left);
    for (const level of this.byName.values()) level.queues.configure(settingsOf(level.config), level.current);
    this.#host.freed();
  }

  #share(levels: readonly PriorityLevel<F>[], claims: readonly Claim[], left: number): void {
    const lower = levels.reduce((sum, level) => sum + level.lower, 0);
    const low = claims.reduce((sum, claim) => sum + claim.low, 0);
    this.fairFraction = 0;
    if (left <= low) {
      // The exempt have taken so much that the others have what they never lend, and a part of what they used.
      const part = left <= lower ? 0 : (left - lower) / (low - lower);
      levels.forEach((level, index) => {
        level.current = level.lower + Math.round(((claims[index] as Claim).low - level.lower) * part);
      });
      return;
    }
    const allocated = allocate(this.#nominalSum, claims);
    if (!allocated) return;
    this.fairFraction = allocated.proportion;
    levels.forEach((level, index) => {
      level.current = Math.round(allocated.seats[index] as number);
    });
  }

  /** Whether one that is no longer wanted can go now. */
  isOver(level: PriorityLevel<F>): boolean {
    return level.quiescing && level.queues.idle;
  }
}
