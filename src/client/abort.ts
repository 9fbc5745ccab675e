/** Requests that can be ended from two sides: by who asked, and by the transport that closes. */

export interface OpenRequests {
  /** A signal that aborts with `signal` or when all are aborted. Call `done` when the request is over. */
  open(signal: AbortSignal | undefined): { signal: AbortSignal; done(): void };
  abortAll(reason: Error): void;
}

/** Tracks the requests of one transport. No listener outlives its request, which `AbortSignal.any` does not promise. */
export function trackRequests(): OpenRequests {
  const controllers = new Set<AbortController>();
  let closed: Error | undefined;
  return {
    open(signal) {
      if (closed) throw closed;
      signal?.throwIfAborted();
      const controller = new AbortController();
      const onAbort = (): void => controller.abort(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      controllers.add(controller);
      return {
        signal: controller.signal,
        done() {
          signal?.removeEventListener('abort', onAbort);
          controllers.delete(controller);
        },
      };
    },
    abortAll(reason) {
      closed = reason;
      for (const controller of [...controllers]) controller.abort(reason);
    },
  };
}

/** The chunks until `signal` aborts, which throws its reason even when the producer is deaf to it. `done` is called once at the end. */
export async function* untilAborted<T>(chunks: AsyncIterable<T>, signal: AbortSignal, done: () => void): AsyncGenerator<T> {
  const iterator = chunks[Symbol.asyncIterator]();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => {});
  let finished = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = iterator.next();
      next.catch(() => {});
      const result = await Promise.race([next, aborted]);
      if (result.done) {
        finished = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    done();
    // Not awaited: a deaf producer would hold up the consumer that wants to leave.
    if (!finished) iterator.return?.().catch(() => {});
  }
}
