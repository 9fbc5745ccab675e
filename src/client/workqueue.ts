/**
 * The queue between informers and reconcilers: a key is queued once, handled by one worker at a time, and again
 * if it was added meanwhile; failed keys come back after an exponential delay. Semantics of client-go's `workqueue`.
 */

import { monotonic } from './monotonic.ts';
import { queueMetrics } from './workqueuemetrics.ts';

export interface WorkQueueOptions {
  /** Under which its metrics are told; absent: none are kept. */
  name?: string;
  /** Delay after the first failure, in milliseconds. */
  baseDelayMs?: number;
  maxDelayMs?: number;
  now?: () => number;
}

export interface WorkQueue {
  add(key: string): void;
  /** Adds after a delay; of several delays for one key the earliest counts. */
  addAfter(key: string, milliseconds: number): void;
  /** Adds after a delay that doubles with each call until `forget`. */
  addRateLimited(key: string): void;
  /** The key was handled: its next failure counts as the first. */
  forget(key: string): void;
  requeues(key: string): number;
  /** The next key, for which `done` must be called; undefined once the queue is shut down and empty. */
  next(): Promise<string | undefined>;
  done(key: string): void;
  /** Keys that wait for a worker; delayed ones do not count. */
  readonly length: number;
  readonly shuttingDown: boolean;
  /** Takes no more keys, drops delayed ones; resolves when all queued keys are handled. */
  shutDown(): Promise<void>;
}

/** The longest delay that `setTimeout` takes. */
const maxTimeoutMs = 2 ** 31 - 1;

/** Makes a queue. Defaults as client-go's controller rate limiter: 5 ms doubling up to 1000 s. */
export function createWorkQueue({ baseDelayMs = 5, maxDelayMs = 1_000_000, now = monotonic, name }: WorkQueueOptions = {}): WorkQueue {
  const dirty = new Set<string>();
  const processing = new Set<string>();
  /** Keys in order; a Set is a queue with cheap removal of its first. */
  const queue = new Set<string>();
  const waiters: ((key: string | undefined) => void)[] = [];
  const delayed = new Map<string, { due: number; timer: NodeJS.Timeout }>();
  const failures = new Map<string, number>();
  const drained: (() => void)[] = [];
  let shuttingDown = false;
  const told = name === undefined ? undefined : queueMetrics(name, () => queue.size);

  function take(key: string): void {
    dirty.delete(key);
    processing.add(key);
    told?.taken(key);
  }

  function enqueue(key: string): void {
    const waiter = waiters.shift();
    if (!waiter) {
      queue.add(key);
      return;
    }
    take(key);
    waiter(key);
  }

  function add(key: string): void {
    if (shuttingDown || dirty.has(key)) return;
    dirty.add(key);
    told?.added(key);
    if (!processing.has(key)) enqueue(key);
  }

  function arm(key: string, due: number): void {
    const timer = setTimeout(
      () => {
        delayed.delete(key);
        if (due > now()) arm(key, due);
        else add(key);
      },
      Math.min(Math.max(Math.ceil(due - now()), 0), maxTimeoutMs),
    );
    delayed.set(key, { due, timer });
  }

  function addAfter(key: string, milliseconds: number): void {
    if (shuttingDown) return;
    if (!(milliseconds > 0)) {
      add(key);
      return;
    }
    const due = now() + milliseconds;
    const waiting = delayed.get(key);
    if (waiting) {
      if (waiting.due <= due) return;
      clearTimeout(waiting.timer);
    }
    arm(key, due);
  }

  function settle(): void {
    if (!shuttingDown || queue.size > 0 || processing.size > 0) return;
    for (const waiter of waiters.splice(0)) waiter(undefined);
    for (const resolve of drained.splice(0)) resolve();
  }

  return {
    add,
    addAfter,
    addRateLimited(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      told?.retried();
      addAfter(key, Math.min(baseDelayMs * 2 ** count, maxDelayMs));
    },
    forget: (key) => void failures.delete(key),
    requeues: (key) => failures.get(key) ?? 0,
    next() {
      for (const key of queue) {
        queue.delete(key);
        take(key);
        return Promise.resolve(key);
      }
      if (shuttingDown) return Promise.resolve(undefined);
      return new Promise((resolve) => waiters.push(resolve));
    },
    done(key) {
      processing.delete(key);
      told?.done(key);
      if (dirty.has(key)) enqueue(key);
      settle();
    },
    get length() {
      return queue.size;
    },
    get shuttingDown() {
      return shuttingDown;
    },
    shutDown() {
      shuttingDown = true;
      told?.close();
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
      if (queue.size === 0) for (const waiter of waiters.splice(0)) waiter(undefined);
      return new Promise((resolve) => {
        drained.push(resolve);
        settle();
      });
    },
  };
}

/**
 * Runs `handle` for keys of the queue, `concurrency` at once, until the queue is shut down. `handle` must not throw:
 * what a failure means (log, `addRateLimited`, `forget`) is the caller's to say.
 */
export async function runWorkers(queue: WorkQueue, concurrency: number, handle: (key: string) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      try {
        await handle(key);
      } finally {
        queue.done(key);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
