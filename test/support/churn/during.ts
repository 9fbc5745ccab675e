/** Several activities for a time. */

type Results<A extends readonly ((signal: AbortSignal) => Promise<unknown>)[]> = { [K in keyof A]: Awaited<ReturnType<A[K]>> };

/** Tells them to stop when the time is over, or when one of them fails; resolves or throws when all have ended. */
export async function during<const A extends readonly ((signal: AbortSignal) => Promise<unknown>)[]>(milliseconds: number, activities: A): Promise<Results<A>> {
  const failure = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(milliseconds), failure.signal]);
  const ends = await Promise.allSettled(
    activities.map((act) =>
      act(signal).catch((error: unknown) => {
        failure.abort();
        throw error;
      }),
    ),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : undefined)) as Results<A>;
}
