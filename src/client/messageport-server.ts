/** The server end of a message port: runs requests of a worker thread through the handler, as one identity. */
import type { MessagePort } from 'node:worker_threads';
import { type AnswerPart, type Batch, createOutbox, partsOf, type RequestPart, windowBytes } from './messages.ts';
import type { RequestHandler, TransportRequest } from './transport.ts';

interface Running {
  controller: AbortController;
  /** Bytes that were sent and not yet consumed. */
  unread: number;
  wake: (() => void) | undefined;
  /** Leaves the answer that is being sent. */
  leave: (() => void) | undefined;
}

function abort(request: Running, why: string): void {
  request.controller.abort(new Error(why));
  request.wake?.();
  request.leave?.();
}

/**
 * Serves requests that arrive on `port` until it closes, which aborts those under way.
 * Returns what ends it from this side.
 */
export function serveMessagePort(port: MessagePort, handler: RequestHandler, identity: { username: string; groups: string[] }): () => void {
  const running = new Map<number, Running>();
  let open = true;
  const outbox = createOutbox<AnswerPart>((batch, transfer) => {
    if (open) port.postMessage(batch, transfer);
  });

  const stop = (): void => {
    if (!open) return;
    open = false;
    for (const request of running.values()) abort(request, 'the message port is closed');
    port.close();
  };

  async function serve(id: number, request: TransportRequest): Promise<void> {
    const state: Running = { controller: new AbortController(), unread: 0, wake: undefined, leave: undefined };
    running.set(id, state);
    try {
      const { status, headers, body } = await handler({ ...request, signal: state.controller.signal }, identity);
      if (state.controller.signal.aborted) {
        await body[Symbol.asyncIterator]().return?.();
        return;
      }
      outbox.about(id).head = { status, headers };
      await sendBody(id, body, state);
    } catch (error) {
      if (!state.controller.signal.aborted) {
        const { message, name } = error instanceof Error ? error : new Error(String(error));
        outbox.about(id).error = { message, name };
      }
    } finally {
      running.delete(id);
    }
  }

  async function sendBody(id: number, body: AsyncIterable<Uint8Array>, state: Running): Promise<void> {
    const { signal } = state.controller;
    const iterator = body[Symbol.asyncIterator]();
    state.leave = () => void iterator.return?.().catch(() => {});
    for (;;) {
      const { done, value } = await iterator.next();
      if (signal.aborted) return;
      if (done) break;
      outbox.add(id, value);
      state.unread += value.byteLength;
      while (state.unread >= windowBytes && !signal.aborted) {
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
        state.wake = undefined;
      }
      if (signal.aborted) return;
    }
    outbox.about(id).last = true;
  }

  function take({ id, request, consumed, abort: isAborted }: RequestPart, body: Uint8Array | undefined): void {
    // Every outcome is answered inside.
    if (request) void serve(id, { ...request, ...(body ? { body } : {}) });
    const state = running.get(id);
    if (!state) return;
    if (consumed) {
      state.unread -= consumed;
      state.wake?.();
    }
    if (isAborted) abort(state, 'the request was aborted by the client');
  }

  port.on('message', (batch: Batch<RequestPart>) => {
    for (const [part, data] of partsOf(batch)) take(part, data);
    if (batch.close) stop();
  });
  port.on('close', stop);
  return stop;
}
