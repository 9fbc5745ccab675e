/** Creates in batches that double while they succeed, so that what must fail a thousand times fails once. */

/** Calls `create` up to `count` times. Resolves with the successes and the first error, which ends it after its batch. */
export async function slowStart(count: number, create: (index: number) => Promise<unknown>, initialBatch = 1): Promise<{ succeeded: number; error?: unknown }> {
  let succeeded = 0;
  for (let batch = Math.min(count, initialBatch), started = 0; batch > 0; ) {
    const from = started;
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, index) => create(from + index)));
    started += batch;
    const failed = results.find((result) => result.status === 'rejected');
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    if (failed) return { succeeded, error: failed.reason };
    batch = Math.min(batch * 2, count - started);
  }
  return { succeeded };
}

/** Runs all, and throws the first error when all have ended. */
export async function runAll<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(items.map(run));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
