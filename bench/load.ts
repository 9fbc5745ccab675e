/** The load, in a process of its own: reads what to do from its argument (JSON), prints what came of it (JSON). */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WatchConnection, watchConnection } from './h2watch.ts';
import { type Ask, type Asked, http1 } from './http1.ts';
import type { Credentials } from './targets.ts';

export type Load =
  /** `count` ends it sooner than `seconds`. An update replaces one of `objects` that were created under this prefix. */
  | { kind: 'create' | 'get' | 'update'; protocol: 'http1' | 'http2'; connections: number; seconds: number; prefix: string; objects: number; count?: number }
  | { kind: 'list'; connections: number; seconds: number; path: string; accept: string; gzip?: boolean }
  | { kind: 'pods'; connections: number; count: number }
  /** `writer`: whom flow control lets pass, for it would hold back writes that many watch, and be what is measured. */
  | { kind: 'watch'; watchers: number; events: number; writers: number; writer: Credentials };

export interface LoadResult {
  requests: number;
  seconds: number;
  failures: number;
  /** What the load itself took: it shares the machine with what is measured. */
  cpuSeconds: number;
  /** Milliseconds from asking to the whole answer; absent for watches. */
  p50?: number;
  p99?: number;
}

type Ran = Omit<LoadResult, 'cpuSeconds'>;

const { credentials, load } = JSON.parse(process.argv[2] as string) as { credentials: Credentials; load: Load };
const collection = '/api/v1/namespaces/default/configmaps';
const filler = 'x'.repeat(900);

const session = (): ClientHttp2Session => connectHttp2(credentials.url, { ca: credentials.ca, cert: credentials.cert, key: credentials.key });

function http2(on: ClientHttp2Session): Ask {
  return ({ method, path, body }) =>
    new Promise((resolve, reject) => {
      const stream = on.request({ ':method': method, ':path': path, accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) });
      let status = 0;
      stream.once('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', () => {});
      stream.once('error', reject);
      stream.once('end', () => resolve(status));
      stream.end(body);
    });
}

async function repeat(asks: readonly Ask[], seconds: number, next: (count: number) => Asked, most = Number.POSITIVE_INFINITY): Promise<Ran> {
  let count = 0;
  let failures = 0;
  const took: number[] = [];
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    asks.map(async (ask) => {
      while (count < most && performance.now() < until) {
        const asked = performance.now();
        const status = await ask(next(count++));
        took.push(performance.now() - asked);
        if (status < 200 || status >= 300) failures++;
      }
    }),
  );
  const elapsed = (performance.now() - started) / 1000;
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.floor(took.length * share)] ?? 0;
  return { requests: count, seconds: elapsed, failures, p50: at(0.5), p99: at(0.99) };
}

async function asksFor(protocol: 'http1' | 'http2', connections: number, as = credentials): Promise<{ asks: Ask[]; close(): void }> {
  if (protocol === 'http1') {
    const open = await Promise.all(Array.from({ length: connections }, () => http1(as)));
    return { asks: open.map(({ ask }) => ask), close: () => open.forEach(({ socket }) => void socket.destroy()) };
  }
  // As client-go does: one connection, many streams.
  const on = session();
  return { asks: Array.from({ length: connections }, () => http2(on)), close: () => on.close() };
}

const configMap = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { filler, at: String(Date.now()) } });

/** A pod as a Deployment makes it, about 1 KB, that nobody places. */
const pod = (index: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${index}`, labels: { app: `app-${index % 500}`, tier: 'web' }, annotations: { about: filler.slice(0, 300) } },
    spec: {
      schedulerName: 'none',
      automountServiceAccountToken: false,
      containers: [
        { name: 'web', image: 'registry.example/web:1', env: [{ name: 'A', value: 'b' }], resources: { requests: { cpu: '100m', memory: '64Mi' } } },
      ],
    },
  });

function next(asked: Exclude<Load, { kind: 'watch' }>, index: number): Asked {
  if (asked.kind === 'list') return { method: 'GET', path: asked.path, accept: asked.accept, gzip: asked.gzip ?? false };
  if (asked.kind === 'pods') return { method: 'POST', path: '/api/v1/namespaces/default/pods', body: pod(index) };
  if (asked.kind === 'create') return { method: 'POST', path: collection, body: configMap(`${asked.prefix}-${index}`) };
  const name = `${asked.prefix}-${index % asked.objects}`;
  if (asked.kind === 'update') return { method: 'PUT', path: `${collection}/${name}`, body: configMap(name) };
  return { method: 'GET', path: `${collection}/${name}` };
}

async function run(): Promise<Ran> {
  if (load.kind === 'watch') return watch(load);
  const { asks, close } = await asksFor('protocol' in load ? load.protocol : 'http1', load.connections);
  const seconds = 'seconds' in load ? load.seconds : Number.POSITIVE_INFINITY;
  const result = await repeat(asks, seconds, (count) => next(load, count), 'count' in load ? load.count : undefined);
  close();
  return result;
}

/** So many writes may be ahead of what all have seen: upstream's server hangs up on watchers that are a hundred behind. */
const mostAhead = 50;

/** From the first write until every watcher has seen every event. */
async function watch({ watchers, events, writers, writer }: Extract<Load, { kind: 'watch' }>): Promise<Ran> {
  let seen = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const count = (lines: number): void => {
    seen += lines;
    if (seen >= watchers * events) resolve();
  };
  const connections = await Promise.all(Array.from({ length: 10 }, () => watchConnection(credentials, count)));
  await Promise.all(
    Array.from({ length: watchers }, async (_, index) => {
      const on = connections[index % connections.length] as WatchConnection;
      // One that flow control puts off is asked for again.
      while (!(await on.watch(`${collection}?watch=1&resourceVersion=0&labelSelector=fanout%3Dyes`))) await sleep(100);
    }),
  );
  const { asks, close } = await asksFor('http1', writers, writer);
  const started = performance.now();
  let written = 0;
  const body = (index: number): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `fanout-${index}`, labels: { fanout: 'yes' } }, data: { filler } });
  await Promise.all(
    asks.map(async (ask) => {
      while (written < events) {
        if (written * watchers - seen > mostAhead * watchers) await sleep(1);
        else await ask({ method: 'POST', path: collection, body: body(written++) });
      }
    }),
  );
  await all;
  const seconds = (performance.now() - started) / 1000;
  for (const connection of connections) connection.close();
  close();
  return { requests: seen, seconds, failures: 0 };
}

const ran = await run();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...ran, cpuSeconds: (user + system) / 1e6 }));
process.exit(0);
