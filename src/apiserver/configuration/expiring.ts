/** Answers that are good for a while. */
export interface ExpiringCache<T> {
  get(key: string): T | undefined;
  /** `ttlMs` of 0 or less keeps nothing. */
  set(key: string, value: T, ttlMs: number): void;
}

/** Holds at most `size` answers; the oldest go first. */
export function expiringCache<T>(size: number, now: () => number = Date.now): ExpiringCache<T> {
  const entries = new Map<string, { value: T; until: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (entry.until > now()) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set(key, value, ttlMs) {
      if (ttlMs <= 0) return;
      entries.delete(key);
      if (entries.size >= size) entries.delete(entries.keys().next().value ?? '');
      entries.set(key, { value, until: now() + ttlMs });
    },
  };
}
