/** Delays that grow with every failure and start over after a quiet time, as client-go's `wait.BackoffManager`. */
import { monotonic } from './monotonic.ts';

export interface DelayOptions {
  baseMs: number;
  maxMs: number;
  /** After so long without a failure the next one counts as the first. */
  resetMs: number;
  now?: () => number;
  random?: () => number;
}

/** Each call gives the next delay in milliseconds: doubling, with up to the same again at random on top. */
export function createDelays({ baseMs, maxMs, resetMs, now = monotonic, random = Math.random }: DelayOptions): () => number {
  let failures = 0;
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - last > resetMs) failures = 0;
    last = now();
    return Math.min(baseMs * 2 ** failures++, maxMs) * (1 + random());
  };
}
