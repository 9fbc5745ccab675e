/** Fills a new data directory with the entries of a snapshot. */
import type { SnapshotEntry } from '../store.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { encodeHead, encodeLog, encodeNumber } from './records.ts';

/** Entries per commit. */
const step = 1_000;
/** Above all revisions that the lost store may have given out after the snapshot; etcd's restore recommends the same distance. */
const bump = 1_000_000_000;

/** Gives how many entries there were. */
export async function writeEntries(directory: string, revision: number, entries: AsyncIterable<SnapshotEntry>): Promise<number> {
  const environment = await openEnvironment(directory);
  try {
    let count = 0;
    let batch: SnapshotEntry[] = [];
    const revisions = new Set<number>();
    for await (const entry of entries) {
      if (revisions.has(entry.modRevision)) throw new Error(`revision ${entry.modRevision} has several keys, which only etcd knows; ${entry.key} is one`);
      revisions.add(entry.modRevision);
      batch.push(entry);
      count++;
      if (batch.length < step) continue;
      await put(environment, batch);
      batch = [];
    }
    await put(environment, batch);
    await finish(environment, revision + bump);
    return count;
  } finally {
    await environment.close();
  }
}

async function put({ root, log, head, expiry }: Environment, batch: readonly SnapshotEntry[]): Promise<void> {
  const now = Date.now();
  await root.batch(() => {
    for (const { key, value, createRevision, modRevision, ttlSeconds } of batch) {
      const expiresAt = ttlSeconds === undefined ? 0 : now + ttlSeconds * 1_000;
      void log.put(modRevision, encodeLog({ type: 'put', createRevision, previousRevision: 0, key, value }));
      void head.put(key, encodeHead({ createRevision, modRevision, expiresAt }));
      if (expiresAt > 0) void expiry.put([expiresAt, key], encodeNumber(modRevision));
    }
  });
}

async function finish({ root, meta }: Environment, revision: number): Promise<void> {
  await root.batch(() => {
    for (const name of ['revision', 'compacted', 'cleaned']) void meta.put(name, encodeNumber(revision));
  });
}
