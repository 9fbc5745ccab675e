/** The transport between threads, client side: many requests over one `MessagePort`, bodies as streams with back-pressure. */
import type { MessagePort } from 'node:worker_threads';
import { type AnswerPart, type Batch, createOutbox, partsOf, type RequestPart, windowBytes } from './messages.ts';
import type { Transport, TransportResponse } from './transport.ts';

export { serveMessagePort } from './messageport-server.ts';

/** A response body that is being received. */
interface Incoming {
  chunks: Uint8Array[];
  ended: boolean;
  failure: Error | undefined;
  wake: (() => void) | undefined;
}

interface Pending {
  settle(response: TransportResponse): void;
  reject(error: Error): void;
  incoming: Incoming;
  /** Stops listening to the caller's signal. */
  release(): void;
}

/** What was read is told when it adds up to this. */
const toldBytes = windowBytes / 8;

/** Talks to `serveMessagePort` at the other end of `port`. Owns the port: `close` closes it. */
export function createMessagePortTransport(port: MessagePort): Transport {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let closed: Error | undefined;
  const outbox = createOutbox<RequestPart>((batch, transfer) => port.postMessage(batch, transfer));

  const fail = (id: number, error: Error): void => {
    const request = pending.get(id);
    if (!request) return;
    pending.delete(id);
    request.release();
    request.reject(error);
    request.incoming.failure = error;
    request.incoming.wake?.();
  };
  const failAll = (error: Error): void => {
    closed ??= error;
    for (const id of [...pending.keys()]) fail(id, error);
  };
  const abort = (id: number): void => {
    if (!closed) outbox.about(id).abort = true;
  };

  function take({ id, head, last, error }: AnswerPart, data: Uint8Array | undefined): void {
    const request = pending.get(id);
    if (!request) return;
    const { incoming } = request;
    if (head) request.settle({ ...head, body: { [Symbol.asyncIterator]: () => receive(id, incoming) } });
    if (data) incoming.chunks.push(data);
    if (error) fail(id, Object.assign(new Error(error.message), { name: error.name }));
    if (last) {
      incoming.ended = true;
      pending.delete(id);
      request.release();
    }
    incoming.wake?.();
  }

  port.on('message', (batch: Batch<AnswerPart>) => {
    for (const [part, data] of partsOf(batch)) take(part, data);
  });
  port.on('close', () => failAll(new Error('the message port is closed')));

  async function* receive(id: number, incoming: Incoming): AsyncGenerator<Uint8Array> {
    let untold = 0;
    try {
      for (;;) {
        while (incoming.chunks.length > 0) {
          const chunk = incoming.chunks.shift()!;
          yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
          untold += chunk.byteLength;
          if (incoming.ended || closed || untold < toldBytes) continue;
          outbox.about(id).consumed = (outbox.about(id).consumed ?? 0) + untold;
          untold = 0;
        }
        if (incoming.failure) throw incoming.failure;
        if (incoming.ended) return;
        await new Promise<void>((resolve) => {
          incoming.wake = resolve;
        });
        incoming.wake = undefined;
      }
    } finally {
      pending.get(id)?.release();
      if (pending.delete(id)) abort(id);
    }
  }

  return {
    request({ method, path, headers, body, signal }) {
      return new Promise((resolve, reject) => {
        if (closed) throw closed;
        signal?.throwIfAborted();
        const id = ++lastId;
        const incoming: Incoming = { chunks: [], ended: false, failure: undefined, wake: undefined };
        const onAbort = (): void => {
          if (!pending.has(id)) return;
          abort(id);
          incoming.chunks.length = 0;
          fail(id, signal!.reason instanceof Error ? signal!.reason : new Error(String(signal!.reason)));
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        pending.set(id, { settle: resolve, reject, incoming, release: () => signal?.removeEventListener('abort', onAbort) });
        outbox.about(id).request = { method, path, ...(headers ? { headers } : {}) };
        if (body) outbox.add(id, body);
      });
    },
    async close() {
      if (closed) return;
      failAll(new Error('the transport is closed'));
      outbox.flush(true);
      port.close();
    },
  };
}
