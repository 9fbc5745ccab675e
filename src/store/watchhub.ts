/**
 * Watches over a local backend. A watcher is a position in the history; while it keeps up it gets events as they are
 * published, and when it falls behind it reads them from the history again, so a slow one costs no memory.
 */
import type { Backend } from './backend.ts';
import { CompactedError, type StoreEvent, type Watch, type WatchMessage } from './store.ts';

/** Events that wait for one watcher before it is sent back to the history. */
const maxQueued = 4_096;
/** Revisions of history that are read in one go. */
const replayStep = 256;

export interface WatchHub {
  publish(events: readonly StoreEvent[]): void;
  watch(prefix: string, fromRevision: number): Watch;
  close(): void;
}

interface Watcher {
  /** `before`: the last revision that was published before these. */
  offer(events: readonly StoreEvent[], before: number): void;
  cancel(): void;
}

export function createWatchHub(backend: Pick<Backend, 'history' | 'compactRevision' | 'revision'>): WatchHub {
  const watchers = new Set<Watcher>();
  /** The last revision that was published: what is committed after it is not told yet. */
  let published = backend.revision;

  function watch(prefix: string, fromRevision: number): Watch {
    let position = fromRevision;
    let live: StoreEvent[] = [];
    let next = 0;
    /** How far the history was read; revisions without an event of the prefix count. */
    let replayed = fromRevision;
    let behind = fromRevision < published;
    let cancelled = false;
    let progressWanted = false;
    let wake: (() => void) | undefined;
    const rouse = (): void => {
      wake?.();
      wake = undefined;
    };

    const watcher: Watcher = {
      offer(events, before) {
        if (behind) {
          rouse();
          return;
        }
        // Whoever has read everything has also seen the revisions of other prefixes; compaction must not overtake it.
        if (next === live.length) position = Math.max(position, before);
        if (next > 0) {
          live.splice(0, next);
          next = 0;
        }
        for (const event of events) if (event.revision > position && event.key.startsWith(prefix)) live.push(event);
        if (live.length - next > maxQueued) {
          behind = true;
          replayed = position;
          live = [];
          next = 0;
        }
        rouse();
      },
      cancel() {
        cancelled = true;
        watchers.delete(watcher);
        rouse();
      },
    };
    watchers.add(watcher);

    /** Reads on in the history; what it gives becomes the queue. */
    function replay(): void {
      position = Math.max(position, replayed);
      if (position < backend.compactRevision) throw new CompactedError(backend.compactRevision);
      const events = backend.history(position, replayStep).filter(({ revision }) => revision <= published);
      live = events.filter(({ key }) => key.startsWith(prefix));
      next = 0;
      replayed = events.at(-1)?.revision ?? published;
      behind = replayed < published;
    }

    async function* messages(): AsyncGenerator<WatchMessage> {
      if (fromRevision < backend.compactRevision) throw new CompactedError(backend.compactRevision);
      try {
        while (!cancelled) {
          const event = live[next];
          if (event) {
            next++;
            position = event.revision;
            yield { type: 'event', event };
          } else if (behind) {
            replay();
            // Replays of a long history leave room for other work.
            if (behind) await new Promise((resolve) => setImmediate(resolve));
          } else {
            live = [];
            next = 0;
            if (progressWanted && published >= fromRevision) {
              progressWanted = false;
              position = Math.max(position, published);
              yield { type: 'progress', revision: published };
              continue;
            }
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        watcher.cancel();
      }
    }

    return {
      [Symbol.asyncIterator]: messages,
      requestProgress() {
        progressWanted = true;
        rouse();
      },
      cancel: () => watcher.cancel(),
    };
  }

  return {
    watch,
    publish(events) {
      const before = published;
      published = events.at(-1)?.revision ?? published;
      for (const watcher of watchers) watcher.offer(events, before);
    },
    close() {
      for (const watcher of [...watchers]) watcher.cancel();
    },
  };
}
