/** Forgets old history in regular steps, as upstream's API server does for etcd. */
import { type Store, StoreClosedError } from './store.ts';

export interface CompactorOptions {
  /** History is kept at least this long, and at most twice as long. */
  intervalMs?: number;
  /** Hears of a compaction that failed; the next one covers it. */
  onError?: (error: unknown) => void;
}

const fiveMinutes = 5 * 60_000;

/** Compacts `store` every interval up to the revision of an interval ago; gives what stops it. */
export function startCompactor(
  store: Store,
  { intervalMs = fiveMinutes, onError = (error) => console.error('store: compaction:', error) }: CompactorOptions = {},
): () => void {
  let before: number | undefined;
  async function step(): Promise<void> {
    try {
      const revision = await store.currentRevision();
      if (before !== undefined) await store.compact(before);
      before = revision;
    } catch (error) {
      if (!(error instanceof StoreClosedError)) onError(error);
    }
  }
  void step();
  const timer = setInterval(() => void step(), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
