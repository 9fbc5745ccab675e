/** The load, in a process of its own: reads what to do from its argument (JSON), prints what came of it (JSON). */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Credentials } from './targets.ts';

export type Load =
  | { kind: 'create' | 'get'; protocol: 'http1' | 'http2'; connections: number; seconds: number; prefix: string; objects: number }
  | { kind: 'list'; connections: number; seconds: number; path: string }
  | { kind: 'watch'; watchers: number; events: number };

export interface LoadResult {
  requests: number;
  seconds: number;
  failures: number;
}

const { credentials, load } = JSON.parse(process.argv[2] as string) as { credentials: Credentials; load: Load };
const { hostname, port } = new URL(credentials.url);
const collection = '/api/v1/namespaces/default/configmaps';
const filler = 'x'.repeat(900);

interface Asked {
  method: string;
  path: string;
  body?: string;
}
type Ask = (asked: Asked) => Promise<number>;

/** One kept-alive connection that sends the next request when the answer is there. Bodies are counted, not kept. */
async function http1(): Promise<{ ask: Ask; socket: TLSSocket }> {
  const socket = connectTls({ host: hostname, port: Number(port), ca: credentials.ca, cert: credentials.cert, key: credentials.key });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.setNoDelay(true);
  let buffered: Buffer = Buffer.alloc(0);
  let done: ((status: number) => void) | undefined;
  let status = 0;
  let left = -1;
  let chunked = false;
  socket.on('data', (data: Buffer) => {
    buffered = buffered.length === 0 ? data : Buffer.concat([buffered, data]);
    if (left < 0 && !chunked) {
      const head = buffered.indexOf('\r\n\r\n');
      if (head < 0) return;
      const text = buffered.toString('latin1', 0, head);
      status = Number(text.slice(9, 12));
      const length = /\r\ncontent-length: (\d+)/i.exec(text);
      chunked = !length;
      left = length ? Number(length[1]) : -1;
      buffered = buffered.subarray(head + 4);
    }
    if (chunked) {
      if (!buffered.subarray(-5).equals(Buffer.from('0\r\n\r\n'))) return;
    } else {
      left -= buffered.length;
      if (left > 0) {
        buffered = Buffer.alloc(0);
        return;
      }
    }
    buffered = Buffer.alloc(0);
    left = -1;
    chunked = false;
    done?.(status);
  });
  const ask: Ask = ({ method, path, body }) =>
    new Promise((resolve) => {
      done = resolve;
      const length = body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAccept: application/json\r\n${length}\r\n${body ?? ''}`);
    });
  return { ask, socket };
}

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

async function repeat(asks: readonly Ask[], seconds: number, next: (count: number) => Asked): Promise<LoadResult> {
  let count = 0;
  let failures = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    asks.map(async (ask) => {
      while (performance.now() < until) {
        const status = await ask(next(count++));
        if (status < 200 || status >= 300) failures++;
      }
    }),
  );
  return { requests: count, seconds: (performance.now() - started) / 1000, failures };
}

async function asksFor(protocol: 'http1' | 'http2', connections: number): Promise<{ asks: Ask[]; close(): void }> {
  if (protocol === 'http1') {
    const open = await Promise.all(Array.from({ length: connections }, http1));
    return { asks: open.map(({ ask }) => ask), close: () => open.forEach(({ socket }) => void socket.destroy()) };
  }
  // As client-go does: one connection, many streams.
  const on = session();
  return { asks: Array.from({ length: connections }, () => http2(on)), close: () => on.close() };
}

const create = (prefix: string, index: number): Asked => ({
  method: 'POST',
  path: collection,
  body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${prefix}-${index}` }, data: { filler } }),
});

async function run(): Promise<LoadResult> {
  if (load.kind === 'watch') return watch(load.watchers, load.events);
  const { asks, close } = await asksFor(load.kind === 'list' ? 'http1' : load.protocol, load.connections);
  const path = load.kind === 'list' ? load.path : collection;
  const result = await repeat(asks, load.seconds, (count) =>
    load.kind === 'create'
      ? create(load.prefix, count)
      : { method: 'GET', path: load.kind === 'list' ? path : `${path}/${load.prefix}-${count % load.objects}` },
  );
  close();
  return result;
}

/** From the first write until every watcher has seen every event. */
async function watch(watchers: number, events: number): Promise<LoadResult> {
  const sessions = Array.from({ length: 10 }, session);
  let seen = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const streams = await Promise.all(
    Array.from({ length: watchers }, async (_, index) => {
      const stream = (sessions[index % sessions.length] as ClientHttp2Session).request({
        ':path': `${collection}?watch=1&resourceVersion=0&labelSelector=fanout%3Dyes`,
      });
      stream.on('data', (data: Buffer) => {
        for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) seen++;
        if (seen >= watchers * events) resolve();
      });
      await new Promise((ready) => stream.once('response', ready));
      return stream;
    }),
  );
  const { asks, close } = await asksFor('http1', 8);
  const started = performance.now();
  let next = 0;
  const body = (index: number): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `fanout-${index}`, labels: { fanout: 'yes' } }, data: { filler } });
  await Promise.all(
    asks.map(async (ask) => {
      while (next < events) await ask({ method: 'POST', path: collection, body: body(next++) });
    }),
  );
  await all;
  const seconds = (performance.now() - started) / 1000;
  for (const stream of streams) stream.close();
  for (const one of sessions) one.destroy();
  close();
  return { requests: seen, seconds, failures: 0 };
}

console.log(JSON.stringify(await run()));
process.exit(0);
