/** Deletes keys whose time is up, through the same log as any other deletion. */
import type { Backend } from './backend.ts';
import type { CommitQueue } from './commit.ts';
import { RevisionMismatchError, StoreClosedError } from './store.ts';

/** How often at most the index is looked at; also how late a key may vanish. */
const sweepMs = 1_000;
const sweepLimit = 500;

/** Starts the sweeper; gives what stops it. `onError` hears of deletions that failed, which are tried again. */
export function startExpiry(backend: Backend, commits: CommitQueue, now: () => number, onError: (error: unknown) => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function remove({ key, modRevision }: { key: string; modRevision: number }): Promise<void> {
    try {
      await commits.write({ key, expectedRevision: modRevision, expiresAt: 0, verb: 'delete' });
    } catch (error) {
      // Somebody else wrote or deleted it just now.
      if (error instanceof RevisionMismatchError || error instanceof StoreClosedError) return;
      throw error;
    }
  }

  async function sweep(): Promise<void> {
    try {
      const due = backend.nextExpiry();
      if (due !== undefined && due <= now()) await Promise.all(backend.expired(now(), sweepLimit).map(remove));
    } catch (error) {
      if (!stopped) onError(error);
    }
    arm();
  }

  function arm(): void {
    if (stopped) return;
    timer = setTimeout(() => void sweep(), sweepMs);
    timer.unref();
  }

  arm();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
