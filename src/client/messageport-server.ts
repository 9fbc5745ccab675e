/** The server end of a message port: runs requests of a worker thread through the handler, as one identity. */
import type { MessagePort } from 'node:worker_threads';
import { ownedCopy, type ToClient, type ToServer, windowBytes } from './messages.ts';
import type { RequestHandler, TransportRequest } from './transport.ts';

interface Running {
  controller: AbortController;
  /** Bytes that were sent and not yet consumed. */
  unread: number;
  wake: (() => void) | undefined;
}

/**
 * Serves requests that arrive on `port` until it closes, which aborts those under way.
 * Returns what ends it from this side.
 */
export function serveMessagePort(port: MessagePort, handler: RequestHandler, identity: { username: string; groups: string[] }): () => void {
  const running = new Map<number, Running>();
  let open = true;
  const post = (message: ToClient, transfer: ArrayBuffer[] = []): void => {
    if (open) port.postMessage(message, transfer);
  };

  const stop = (): void => {
    if (!open) return;
    open = false;
    for (const request of running.values()) {
      request.controller.abort(new Error('the message port is closed'));
      request.wake?.();
    }
    port.close();
  };

  async function serve(id: number, request: TransportRequest): Promise<void> {
    const state: Running = { controller: new AbortController(), unread: 0, wake: undefined };
    running.set(id, state);
    try {
      const { status, headers, body } = await handler({ ...request, signal: state.controller.signal }, identity);
      if (state.controller.signal.aborted) {
        await body[Symbol.asyncIterator]().return?.();
        return;
      }
      post({ type: 'response', id, status, headers });
      await sendBody(id, body, state);
    } catch (error) {
      if (!state.controller.signal.aborted) {
        const { message, name } = error instanceof Error ? error : new Error(String(error));
        post({ type: 'error', id, message, name });
      }
    } finally {
      running.delete(id);
    }
  }

  async function sendBody(id: number, body: AsyncIterable<Uint8Array>, state: Running): Promise<void> {
    const { signal } = state.controller;
    const iterator = body[Symbol.asyncIterator]();
    const onAbort = (): void => {
      state.wake?.();
      iterator.return?.().catch(() => {});
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let chunks: Uint8Array[] = [];
    let bytes = 0;
    const flush = (last: boolean): void => {
      state.unread += bytes;
      const data = ownedCopy(chunks, bytes);
      post({ type: 'data', id, ...(bytes > 0 ? { data } : {}), last }, bytes > 0 ? [data.buffer] : []);
      chunks = [];
      bytes = 0;
    };
    for (;;) {
      const next = iterator.next();
      // What a turn of the event loop produces goes in one message; a watch that pauses is flushed.
      const result = bytes === 0 ? await next : await Promise.race([next, turn()]);
      if (signal.aborted) return;
      if (result === paused) flush(false);
      const { done, value } = result === paused ? await next : result;
      if (signal.aborted) return;
      if (done) break;
      chunks.push(value);
      bytes += value.byteLength;
      if (bytes >= windowBytes / 4) flush(false);
      while (state.unread >= windowBytes && !signal.aborted) {
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
        state.wake = undefined;
      }
      if (signal.aborted) return;
    }
    flush(true);
  }

  port.on('message', (message: ToServer) => {
    switch (message.type) {
      case 'request': {
        const { method, path, headers, body } = message;
        // Every outcome is answered inside.
        void serve(message.id, { method, path, headers, body });
        break;
      }
      case 'abort':
        running.get(message.id)?.controller.abort(new Error('the request was aborted by the client'));
        break;
      case 'consumed': {
        const request = running.get(message.id);
        if (!request) break;
        request.unread -= message.bytes;
        request.wake?.();
        break;
      }
      case 'close':
        stop();
        break;
    }
  });
  port.on('close', stop);
  return stop;
}

const paused = Symbol('paused');
const turn = (): Promise<typeof paused> => new Promise((resolve) => setImmediate(resolve, paused));
