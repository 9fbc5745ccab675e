/** Events that are handed on together, a moment later: whoever takes them may be slow. */
import type { Logger } from 'pino';
import type { AuditEvent } from './audit.ts';

export interface BatchOptions {
  /** Events beyond so many that wait are lost. */
  bufferSize: number;
  maxSize: number;
  /** The longest that an event waits for others, in milliseconds. */
  maxWaitMs: number;
  /** Batches a second, on average; absent sets no limit. */
  throttle?: { qps: number; burst: number };
}

export interface Batcher {
  add(event: AuditEvent): void;
  /** Sends what waits. */
  close(): Promise<void>;
}

export function createBatcher(options: BatchOptions, send: (events: readonly AuditEvent[]) => Promise<void>, log?: Logger): Batcher {
  const { bufferSize, maxSize, maxWaitMs, throttle } = options;
  let waiting: AuditEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let tokens = throttle?.burst ?? 0;
  let filledAt = Date.now();
  let lost = 0;
  const sending = new Set<Promise<void>>();

  /** Milliseconds until the next batch may go. */
  function delay(): number {
    if (!throttle) return 0;
    const now = Date.now();
    tokens = Math.min(throttle.burst, tokens + ((now - filledAt) / 1000) * throttle.qps);
    filledAt = now;
    return tokens >= 1 ? 0 : ((1 - tokens) / throttle.qps) * 1000;
  }

  function sendOne(): void {
    const events = waiting.slice(0, maxSize);
    waiting = waiting.slice(maxSize);
    tokens--;
    const sent = send(events)
      .catch((error: unknown) => log?.error({ err: error, events: events.length }, 'audit events could not be delivered'))
      .finally(() => sending.delete(sent));
    sending.add(sent);
  }

  function schedule(): void {
    if (timer || waiting.length === 0) return;
    const full = waiting.length >= maxSize;
    timer = setTimeout(
      () => {
        timer = undefined;
        if (delay() === 0) sendOne();
        schedule();
      },
      full ? delay() : Math.max(maxWaitMs, delay()),
    );
    timer.unref();
  }

  return {
    add(event) {
      if (waiting.length >= bufferSize) {
        if (lost++ % bufferSize === 0) log?.error({ lost }, 'audit events are lost: they come quicker than they are taken');
        return;
      }
      waiting.push(event);
      if (waiting.length === maxSize) clearTimer();
      schedule();
    },
    async close() {
      clearTimer();
      while (waiting.length > 0) sendOne();
      await Promise.all(sending);
    },
  };

  function clearTimer(): void {
    clearTimeout(timer);
    timer = undefined;
  }
}
