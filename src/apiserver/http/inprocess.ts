/** The in-process transport: a request as the client writes it goes through the same pipeline, without a socket. */
import { Readable } from 'node:stream';
import type { UserInfo } from '../../api/kind.ts';
import { tooLarge } from '../../apimachinery/errors.ts';
import type { TransportRequest, TransportResponse } from '../../client/transport.ts';
import type { Exchange, Reply, Sink } from '../exchange.ts';

export function exchangeOfTransport(request: TransportRequest, identity: UserInfo): Exchange {
  const { body, signal } = request;
  return {
    method: request.method,
    url: request.path,
    headers: request.headers ?? {},
    protocol: 'HTTP/2.0',
    remoteAddress: '127.0.0.1',
    peerCertificate: () => undefined,
    identity,
    readBody: async (limit) => {
      if (!body) return Buffer.alloc(0);
      if (body.byteLength > limit) throw tooLarge(`limit is ${limit}`);
      return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    },
    rawBody: () => (body ? Readable.from([body]) : undefined),
    onClose: (listener) => {
      if (signal?.aborted) listener();
      else signal?.addEventListener('abort', listener, { once: true });
    },
  };
}

/** A reply as the client's transport understands it. */
export function responseOfReply(reply: Reply, signal: AbortSignal | undefined): TransportResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(reply.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : String(value);
  if (reply.stream) {
    const queue = new ChunkQueue();
    if (signal?.aborted) queue.close();
    else signal?.addEventListener('abort', () => queue.close(), { once: true });
    reply.stream(queue);
    return { status: reply.status, headers, body: queue };
  }
  const parts = reply.body === undefined ? [] : reply.body instanceof Uint8Array ? [reply.body] : [Buffer.concat(reply.body)];
  return {
    status: reply.status,
    headers,
    body: (async function* () {
      yield* parts;
    })(),
  };
}

/** A sink that is read as an async iterable. */
class ChunkQueue implements Sink, AsyncIterable<Uint8Array> {
  readonly alone = true;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #failed = false;
  #wake: (() => void) | undefined;
  readonly #closeListeners: (() => void)[] = [];
  #drainListeners: (() => void)[] = [];

  get closed(): boolean {
    return this.#ended;
  }

  write(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    this.#wake?.();
  }

  end(): void {
    this.close();
  }

  destroy(): void {
    this.#failed = true;
    this.close();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake?.();
    for (const listener of this.#closeListeners) listener();
  }

  pendingBytes(): number {
    return this.#bytes;
  }

  onDrain(listener: () => void): void {
    if (this.#bytes === 0) setImmediate(listener);
    else this.#drainListeners.push(listener);
  }

  onClose(listener: () => void): void {
    if (this.#ended) listener();
    else this.#closeListeners.push(listener);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    try {
      for (;;) {
        while (this.#chunks.length > 0) {
          const taken = this.#chunks;
          this.#chunks = [];
          this.#bytes = 0;
          const drained = this.#drainListeners;
          this.#drainListeners = [];
          for (const listener of drained) listener();
          yield* taken;
        }
        if (this.#failed) throw new Error('the server cut the answer off');
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      this.close();
    }
  }
}
