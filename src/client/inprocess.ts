/** The transport to an API server on the same thread: a function call, through the whole request pipeline. */
import { trackRequests, untilAborted } from './abort.ts';
import type { RequestHandler, Transport } from './transport.ts';

/** Requests go to `handler` as `identity`. `close` ends those that are under way. */
export function createInProcessTransport(handler: RequestHandler, identity: { username: string; groups: string[] }): Transport {
  const requests = trackRequests();
  return {
    async request(request) {
      const { signal, done } = requests.open(request.signal);
      let consumed = false;
      try {
        const response = await handler({ ...request, signal }, identity);
        consumed = true;
        return { ...response, body: untilAborted(response.body, signal, done) };
      } finally {
        if (!consumed) done();
      }
    },
    async close() {
      requests.abortAll(new Error('the transport is closed'));
    },
  };
}
