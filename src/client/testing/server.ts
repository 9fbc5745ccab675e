/** A few resources behind a `RequestHandler`, just enough of the protocol to try a client's edge cases against. Only for tests. */
import { alreadyExists, expired, invalid, notFound, StatusError, staleObject } from '../../apimachinery/errors.ts';
import { required } from '../../apimachinery/fieldpath.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { RequestHandler, TransportRequest, TransportResponse } from '../transport.ts';

interface Change {
  type: string;
  object: KubeObject;
  revision: number;
}

export interface TestServer {
  handler: RequestHandler;
  requests: TransportRequest[];
  identities: string[];
  put(path: string, object: KubeObject): void;
  remove(path: string, name: string): void;
  get(path: string, name: string): KubeObject | undefined;
  /** History before now is gone, and watches end. */
  compact(): void;
  /** Ends all watches, as a restart does. */
  endWatches(): void;
  /** Answers that are given instead, in order. */
  next: (TransportResponse | Error)[];
  streaming: boolean;
  readonly watches: number;
}

async function* chunksOf(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** All that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export const answer = (status: number, body: unknown, headers: Record<string, string> = {}): TransportResponse => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: chunksOf(JSON.stringify(body)),
});

/** Collections are created by use: `/api/v1/namespaces/default/configmaps`; a list of `/api/v1/configmaps` has those of all namespaces. */
export function createTestServer(): TestServer {
  const objects = new Map<string, KubeObject>();
  const history: (Change & { path: string })[] = [];
  const wakers = new Set<() => void>();
  let revision = 1;
  let compacted = 0;
  let epoch = 0;
  let watches = 0;

  const within = (path: string, collection: string): boolean => path === collection || path.replace(/\/namespaces\/[^/]+/, '') === collection;
  function commit(type: string, path: string, object: KubeObject): KubeObject {
    revision++;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    const key = `${path}/${object.metadata.name}`;
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, stored);
    history.push({ type, path, object: stored, revision });
    for (const wake of wakers) wake();
    return stored;
  }
  const put = (path: string, object: KubeObject): KubeObject => commit(objects.has(`${path}/${object.metadata.name}`) ? 'MODIFIED' : 'ADDED', path, object);
  const remove = (path: string, name: string): KubeObject => commit('DELETED', path, objects.get(`${path}/${name}`)!);

  async function* watch(collection: string, query: URLSearchParams, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const line = (type: string, object: unknown): Uint8Array => Buffer.from(`${JSON.stringify({ type, object })}\n`);
    const mine = epoch;
    let from = Number(query.get('resourceVersion') || 0);
    watches++;
    try {
      if (query.get('sendInitialEvents') === 'true') {
        for (const [key, object] of objects) if (within(key.slice(0, key.lastIndexOf('/')), collection)) yield line('ADDED', object);
        from = revision;
        yield line('BOOKMARK', { metadata: { name: '', resourceVersion: String(revision), annotations: { 'k8s.io/initial-events-end': 'true' } } });
      }
      if (from < compacted) {
        yield line('ERROR', expired('too old resource version').status);
        return;
      }
      while (!signal?.aborted && mine === epoch) {
        for (const change of history.filter((one) => one.revision > from && within(one.path, collection))) {
          from = change.revision;
          yield line(change.type, change.object);
        }
        if (signal?.aborted || mine !== epoch) return;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            wakers.delete(wake);
            signal?.removeEventListener('abort', wake);
            resolve();
          };
          wakers.add(wake);
          signal?.addEventListener('abort', wake);
        });
      }
    } finally {
      watches--;
    }
  }

  function serve(request: TransportRequest): TransportResponse {
    const url = new URL(request.path, 'http://test');
    const query = url.searchParams;
    const parts = url.pathname.split('/');
    const depth = url.pathname.startsWith('/api/') ? 3 : 4;
    const cut = parts[depth] === 'namespaces' && parts.length > depth + 2 ? depth + 3 : depth + 1;
    const path = parts.slice(0, cut).join('/');
    const name = parts[cut];
    const of = { group: '', resource: parts[cut - 1]! };
    const body = request.body ? (JSON.parse(Buffer.from(request.body).toString()) as KubeObject) : undefined;
    const current = name === undefined ? undefined : objects.get(`${path}/${name}`);
    if (request.method === 'POST') {
      if (objects.has(`${path}/${body!.metadata.name}`)) throw alreadyExists(of, body!.metadata.name);
      return answer(201, put(path, body!));
    }
    if (name === undefined && query.get('watch') === 'true') {
      if (query.get('sendInitialEvents') && !server.streaming) {
        throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [required('sendInitialEvents')]);
      }
      return { status: 200, headers: { 'content-type': 'application/json' }, body: watch(path, query, request.signal) };
    }
    if (name === undefined) {
      const all = [...objects.entries()].filter(([key]) => within(key.slice(0, key.lastIndexOf('/')), path)).map(([, object]) => object);
      const start = Number(query.get('continue') || 0);
      const end = start + Number(query.get('limit') || all.length);
      const token = end < all.length ? String(end) : undefined;
      return answer(200, { metadata: { resourceVersion: String(revision), continue: token }, items: all.slice(start, end) });
    }
    if (!current) throw notFound(of, name);
    if (request.method === 'GET') return answer(200, current);
    if (request.method === 'DELETE') return answer(200, remove(path, name));
    if (request.method === 'PATCH') return answer(200, put(path, { ...current, ...body, metadata: { ...current.metadata, ...body?.metadata } }));
    const expected = body!.metadata.resourceVersion;
    if (expected && expected !== current.metadata.resourceVersion) throw staleObject(of, name);
    return answer(200, put(path, body!));
  }

  const server: TestServer = {
    requests: [],
    identities: [],
    next: [],
    streaming: true,
    put,
    remove,
    get: (path, name) => objects.get(`${path}/${name}`),
    compact() {
      compacted = revision;
      server.endWatches();
    },
    endWatches() {
      epoch++;
      for (const wake of wakers) wake();
    },
    get watches() {
      return watches;
    },
    async handler(request, identity) {
      server.requests.push(request);
      server.identities.push(identity.username);
      const prepared = server.next.shift();
      if (prepared instanceof Error) throw prepared;
      if (prepared) return prepared;
      try {
        return serve(request);
      } catch (error) {
        if (error instanceof StatusError) return answer(error.code, error.status);
        throw error;
      }
    },
  };
  return server;
}
