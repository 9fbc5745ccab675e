/**
 * One tenant floods the server, another asks for a little: how long the other waits for its answers, against how long when
 * nobody else is there. Prints the latencies and their ratio.
 */
import { spawn } from 'node:child_process';
import { request } from 'node:https';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Credentials, type RunningTarget, startKnarr, startUpstream } from './targets.ts';

const { values } = parseArgs({
  options: {
    flood: { type: 'string' },
    'kube-apiserver': { type: 'string' },
    etcd: { type: 'string' },
    connections: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
  },
});
const collection = '/api/v1/namespaces/default/configmaps';
const floods = { gets: `${collection}/one-1`, lists: `${collection}?resourceVersion=0` };

/** A connection on which one request follows the other; gives the status when the whole answer has come. */
async function connection({ url, ca, cert, key }: Credentials): Promise<(path: string) => Promise<number>> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connectTls({ host: hostname, port: Number(port), ca, cert, key });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.setNoDelay(true);
  let left = -1;
  let status = 0;
  let head = '';
  let done: ((status: number) => void) | undefined;
  socket.on('data', (data: Buffer) => {
    let rest = data.length;
    if (left < 0) {
      head += data.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      status = Number(head.slice(9, 12));
      left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      rest = head.length - end - 4;
      head = '';
    }
    left -= rest;
    if (left > 0) return;
    left = -1;
    done?.(status);
  });
  return (path) =>
    new Promise((resolve) => {
      done = resolve;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAccept: application/json\r\n\r\n`);
    });
}

/** The flood, in a process of its own, until it is ended. */
async function flood(credentials: Credentials, path: string, connections: number): Promise<void> {
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const ask = await connection(credentials);
      for (;;) await ask(path);
    }),
  );
}

function post({ url, ca, cert, key }: Credentials, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, { method: 'POST', ca, cert, key, headers: { 'content-type': 'application/json' } }, (response) => {
      response.resume().once('end', () => (response.statusCode === 201 ? resolve() : reject(new Error(`${path}: ${response.statusCode}`))));
    });
    asking.once('error', reject);
    asking.end(JSON.stringify(body));
  });
}

/** Median and 99th percentile of gets, one after the other with a pause, in milliseconds. */
async function latency(credentials: Credentials, seconds: number): Promise<{ median: number; p99: number; failures: number }> {
  const ask = await connection(credentials);
  const taken: number[] = [];
  let failures = 0;
  for (const until = performance.now() + seconds * 1000; performance.now() < until; ) {
    const started = performance.now();
    if ((await ask(`${collection}/one-2`)) !== 200) failures++;
    taken.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  taken.sort((a, b) => a - b);
  const at = (part: number): number => taken[Math.floor(taken.length * part)] as number;
  return { median: at(0.5), p99: at(0.99), failures };
}

async function measure(target: RunningTarget, tenants: readonly [Credentials, Credentials]): Promise<void> {
  const [noisy, quiet] = tenants;
  await post(target.admin, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'tenants' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: ['noisy', 'quiet'].map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name })),
  });
  for (let index = 0; index < 500; index++) await post(target.admin, collection, { metadata: { name: `one-${index}` }, data: { filler: 'x'.repeat(900) } });
  const seconds = Number(values.seconds);
  await latency(quiet, 2);
  const alone = await latency(quiet, seconds);
  const show = (what: string, { median, p99, failures }: typeof alone): void =>
    console.log(
      `| ${target.name} | ${what} | ${median.toFixed(2)} | ${(median / alone.median).toFixed(2)} | ${p99.toFixed(2)} | ${(p99 / alone.p99).toFixed(2)} | ${failures} |`,
    );
  show('nobody else', alone);
  for (const [what, path] of Object.entries(floods)) {
    const argument = JSON.stringify({ credentials: noisy, path, connections: Number(values.connections) });
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--flood', argument], { stdio: 'inherit' });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    show(`a flood of ${what}`, await latency(quiet, seconds));
    child.kill();
  }
}

if (values.flood !== undefined) {
  const { credentials, path, connections } = JSON.parse(values.flood) as { credentials: Credentials; path: string; connections: number };
  await flood(credentials, path, connections);
}

async function run(start: () => Promise<RunningTarget>): Promise<void> {
  const target = await start();
  try {
    await measure(target, [target.userOf('noisy'), target.userOf('quiet')]);
  } finally {
    await target.stop();
  }
}

console.log('| | beside | median (ms) | ÷ quiet | p99 (ms) | ÷ quiet | failures |');
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |');
const { 'kube-apiserver': apiserver, etcd } = values;
if (apiserver && etcd) await run(() => startUpstream({ apiserver, etcd }));
await run(startKnarr);
process.exit(0);
