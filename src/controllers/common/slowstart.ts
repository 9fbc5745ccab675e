/** Creates in batches that double while they succeed, so that what must fail a thousand times fails once. */

/** As many requests at once as keep the API server busy; with more, those of others would wait behind them. */
const atOnce = 32;

/** As `Promise.allSettled` of all of them, some at a time. */
async function settle<T>(count: number, run: (index: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  const results: PromiseSettledResult<T>[] = new Array(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const [result] = await Promise.allSettled([run(index)]);
      results[index] = result as PromiseSettledResult<T>;
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker));
  return results;
}

/** Calls `create` up to `count` times. Resolves with the successes and the first error, which ends it after its batch. */
export async function slowStart(count: number, create: (index: number) => Promise<unknown>, initialBatch = 1): Promise<{ succeeded: number; error?: unknown }> {
  let succeeded = 0;
  for (let batch = Math.min(count, initialBatch), started = 0; batch > 0; ) {
    const from = started;
    const results = await settle(batch, (index) => create(from + index));
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
  const results = await settle(items.length, (index) => run(items[index] as T));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
