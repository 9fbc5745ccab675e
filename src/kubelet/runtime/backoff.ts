/** Exponential back-off per key, with the reset rule of client-go's `flowcontrol.Backoff`. Times in milliseconds. */
export interface Backoff {
  /** Milliseconds of the current step; 0 for a key without failures. */
  get(key: string): number;
  /** Whether less than the current step has passed since `since`. */
  isInBackOffSince(key: string, since: number): boolean;
  /** A failure at `at`: the step doubles, or starts again when the last failure is more than twice the maximum ago. */
  next(key: string, at: number): void;
  delete(prefix: string): void;
}

export function createBackoff(initial: number, maximum: number, now: () => number = Date.now): Backoff {
  const entries = new Map<string, { step: number; last: number }>();
  const expired = (event: number, last: number): boolean => event - last > maximum * 2;
  return {
    get: (key) => entries.get(key)?.step ?? 0,
    isInBackOffSince: (key, since) => {
      const entry = entries.get(key);
      if (!entry || expired(since, entry.last)) return false;
      return now() - since < entry.step;
    },
    next: (key, at) => {
      const entry = entries.get(key);
      const step = !entry || expired(at, entry.last) ? initial : Math.min(entry.step * 2, maximum);
      entries.set(key, { step, last: now() });
    },
    delete: (prefix) => {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
  };
}
