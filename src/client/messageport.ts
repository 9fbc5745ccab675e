/** The transport between threads, client side: many requests over one `MessagePort`, bodies as streams with back-pressure. */
import type { MessagePort } from 'node:worker_threads';
import { ownedCopy, type ToClient, type ToServer } from './messages.ts';
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

/** Talks to `serveMessagePort` at the other end of `port`. Owns the port: `close` closes it. */
export function createMessagePortTransport(port: MessagePort): Transport {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let closed: Error | undefined;
  const post = (message: ToServer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

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

  port.on('message', (message: ToClient) => {
    const request = pending.get(message.id);
    if (!request) return;
    const { incoming } = request;
    switch (message.type) {
      case 'response':
        request.settle({ status: message.status, headers: message.headers, body: { [Symbol.asyncIterator]: () => receive(message.id, incoming) } });
        break;
      case 'data':
        if (message.data) incoming.chunks.push(message.data);
        incoming.ended = message.last;
        if (message.last) {
          pending.delete(message.id);
          request.release();
        }
        incoming.wake?.();
        break;
      case 'error': {
        const error = new Error(message.message);
        error.name = message.name;
        fail(message.id, error);
        break;
      }
    }
  });
  port.on('close', () => failAll(new Error('the message port is closed')));

  async function* receive(id: number, incoming: Incoming): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        while (incoming.chunks.length > 0) {
          const chunk = incoming.chunks.shift()!;
          yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
          if (!incoming.ended && !closed) post({ type: 'consumed', id, bytes: chunk.byteLength });
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
      if (pending.delete(id) && !closed) post({ type: 'abort', id });
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
          if (!closed) post({ type: 'abort', id });
          incoming.chunks.length = 0;
          fail(id, signal!.reason instanceof Error ? signal!.reason : new Error(String(signal!.reason)));
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        pending.set(id, { settle: resolve, reject, incoming, release: () => signal?.removeEventListener('abort', onAbort) });
        // Copied, since a retry sends the same body again.
        const data = body && ownedCopy([body], body.byteLength);
        post({ type: 'request', id, method, path, headers, ...(data ? { body: data } : {}) }, data ? [data.buffer] : []);
      });
    },
    async close() {
      if (closed) return;
      failAll(new Error('the transport is closed'));
      post({ type: 'close' });
      port.close();
    },
  };
}
