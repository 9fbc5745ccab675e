/**
 * Group commit: writes that arrive while a commit is under way share the next one. A write is checked against committed state
 * when its batch starts; a second write to the same key waits for the batch after, so nothing is ever built on state that
 * could still fail, and a failed batch fails its own writes and no others.
 */
import { type Backend, type Change, eventOf } from './backend.ts';
import { KeyExistsError, RevisionMismatchError, StoreClosedError, type StoreEvent } from './store.ts';

export interface Write {
  key: string;
  /** Absent for a deletion. */
  value?: Uint8Array;
  /** `modRevision` that the key must have; 0: it must not exist. */
  expectedRevision: number;
  expiresAt: number;
  /** What a failed check is: `create` fails with `KeyExistsError`. */
  verb: 'create' | 'update' | 'delete';
}

interface Waiting extends Write {
  resolve(revision: number): void;
  reject(error: unknown): void;
}

export interface CommitQueue {
  /** Resolves with the revision after the write is durable and published. */
  write(write: Write): Promise<number>;
  /** Takes no more writes; resolves when all are done. */
  close(): Promise<void>;
}

/** Writes per batch: bounds how long the event loop is busy with one. */
const maxBatch = 1_000;

/** `publish` gets every commit's events in revision order, before its writers hear of it. */
export function createCommitQueue(backend: Backend, publish: (events: StoreEvent[]) => void): CommitQueue {
  let queue: Waiting[] = [];
  let running: Promise<void> | undefined;
  let closed = false;

  function check({ key, expectedRevision, verb, value }: Write): Omit<Change, 'revision' | 'createRevision' | 'expiresAt'> {
    const previous = backend.head(key);
    if ((previous?.modRevision ?? 0) !== expectedRevision || (verb === 'delete' && !previous)) {
      if (verb === 'create') throw new KeyExistsError(key);
      throw new RevisionMismatchError(key, previous && entryOf(previous));
    }
    return { key, ...(value ? { value } : {}), ...(previous ? { previous } : {}) };
  }

  /** Takes what can go together; the rest stays queued. */
  function nextBatch(): { changes: Change[]; writers: Waiting[] } {
    const changes: Change[] = [];
    const writers: Waiting[] = [];
    const later: Waiting[] = [];
    const keys = new Set<string>();
    for (const write of queue) {
      if (keys.has(write.key) || changes.length >= maxBatch) {
        keys.add(write.key);
        later.push(write);
        continue;
      }
      try {
        const checked = check(write);
        const revision = backend.revision + changes.length + 1;
        changes.push({ ...checked, revision, createRevision: checked.previous?.createRevision ?? revision, expiresAt: write.expiresAt });
        writers.push(write);
        keys.add(write.key);
      } catch (error) {
        write.reject(error);
      }
    }
    queue = later;
    return { changes, writers };
  }

  async function run(): Promise<void> {
    // Let the whole turn's writes come in first.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const { changes, writers } = nextBatch();
      if (changes.length === 0) continue;
      try {
        await backend.commit(changes);
      } catch (error) {
        for (const writer of writers) writer.reject(error);
        continue;
      }
      publish(changes.map(eventOf));
      for (const [index, writer] of writers.entries()) writer.resolve(changes[index]!.revision);
      // The writers' next writes arrive in microtasks, and belong into the next batch.
      await new Promise((resolve) => setImmediate(resolve));
    }
    running = undefined;
  }

  return {
    write(write) {
      if (closed) return Promise.reject(new StoreClosedError());
      return new Promise((resolve, reject) => {
        queue.push({ ...write, resolve, reject });
        running ??= run();
      });
    },
    async close() {
      closed = true;
      await running;
    },
  };
}

const entryOf = ({ key, value, createRevision, modRevision }: { key: string; value: Uint8Array; createRevision: number; modRevision: number }) => ({
  key,
  value,
  createRevision,
  modRevision,
});
