/** A server over a store in memory in which everybody may do everything. Only for tests. */
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Client, ResourceRef } from '../../client/client.ts';
import { createInProcessTransport } from '../../client/inprocess.ts';
import { createClient } from '../../client/rest.ts';
import { readBody } from '../../client/transport.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';
import type { ApiServer, ApiServerOptions } from '../apiserver.ts';
import { createApiServer } from '../apiserver.ts';

export const admin = { username: 'admin', groups: ['system:masters'] };

export interface TestServer extends AsyncDisposable {
  server: ApiServer;
  store: Store;
  client: Client;
  /** A request as it stands; the body is parsed when it is JSON. */
  request(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Record<string, string>; body: any; bytes: Buffer }>;
}

export async function startTestServer(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const store = options.store ?? createMemoryStore();
  const server = await createApiServer({
    security: () => ({
      authenticate: async ({ identity }) => ({ user: identity ?? admin }),
      authorize: () => ({ decision: 'allow', reason: '' }),
    }),
    ...options,
    store,
  });
  const transport = createInProcessTransport(server.handle, admin);
  const client = createClient(transport);
  return {
    server,
    store,
    client,
    async request(method, path, body, headers = {}) {
      const bytes = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
      const response = await server.handle({ method, path, headers, ...(bytes ? { body: bytes } : {}) }, admin);
      const answer = await readBody(response);
      const json = response.headers['content-type']?.startsWith('application/json') && response.headers['content-encoding'] === undefined;
      return {
        status: response.status,
        headers: response.headers,
        bytes: answer,
        body: json && answer.length > 0 ? JSON.parse(answer.toString()) : answer.toString(),
      };
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.close();
      await store.close();
    },
  };
}

/** Watch events until `count` came. */
export async function watchEvents<T extends KubeObject>(
  client: Client,
  ref: ResourceRef<T>,
  namespace: string,
  query: Record<string, unknown>,
  count: number,
): Promise<{ type: string; object: T }[]> {
  const abort = new AbortController();
  const events: { type: string; object: T }[] = [];
  try {
    for await (const event of client.resource(ref).watch(namespace, query, abort.signal)) {
      events.push(event as { type: string; object: T });
      if (events.length >= count) break;
    }
  } finally {
    abort.abort();
  }
  return events;
}
