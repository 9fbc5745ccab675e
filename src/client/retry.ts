/** Read-modify-write that loses a race and tries again, as client-go's `retry.RetryOnConflict`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isConflict } from '../apimachinery/errors.ts';

export interface Backoff {
  /** How often `attempt` is called at most. */
  steps: number;
  /** Milliseconds before the second attempt. */
  delayMs: number;
  factor: number;
  /** Adds up to this fraction of the delay, at random. */
  jitter: number;
}

/** client-go's `DefaultRetry`: for conflicts between several clients that each make an unrelated change. */
const defaultRetry: Backoff = { steps: 5, delayMs: 10, factor: 1, jitter: 0.1 };

/** Calls `attempt` (which must read the object anew) until it does not fail with a 409 Conflict; the last conflict is thrown. */
export async function retryOnConflict<R>(attempt: () => Promise<R>, backoff: Backoff = defaultRetry): Promise<R> {
  let delay = backoff.delayMs;
  for (let step = 1; ; step++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || step >= backoff.steps) throw error;
    }
    await sleep(delay * (1 + Math.random() * backoff.jitter));
    delay *= backoff.factor;
  }
}
