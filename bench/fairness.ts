/**
 * One tenant floods the server, another asks for a little: how long the other waits for its answers, against how long when
 * nobody else is there. Prints the latencies and their ratio. The flood has a core of its own with whoever measures, and gives way
 * to everybody else on it: what is measured is how long the server lets others wait, and not who gets the processor of the machine.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
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
    /** Of `floods`, separated by commas. */
    only: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    objects: { type: 'string', default: '5000' },
  },
});
const collection = '/api/v1/namespaces/default/configmaps';
const large = '/api/v1/namespaces/large/configmaps';

interface Asked {
  method?: string;
  path: string;
  body?: string;
  headers?: string;
}

const manyKeys = JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 'v'.repeat(85)])));
const filler = 'x'.repeat(900);
const configMap = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { filler } });
let made = 0;
const create = (who: string): Asked => ({ method: 'POST', path: collection, body: configMap(`${who}-${process.pid}-${made++}`) });

/** What the flood asks for, over and over; `watch` is opened anew each time. */
const floods: Record<string, () => Asked> = {
  gets: () => ({ path: `${collection}/one-1` }),
  creates: () => create('flood'),
  'lists of 500': () => ({ path: `${collection}?resourceVersion=0&limit=500` }),
  'lists of 5,000': () => ({ path: `${large}?resourceVersion=0` }),
  'bodies of 1 MB': () => ({ method: 'POST', path: `${collection}?dryRun=All`, body: `{"metadata":{"name":"large-${made++}"},"data":${manyKeys}}` }),
  watches: () => ({ path: `${collection}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Done-1&timeoutSeconds=1`, headers: 'Connection: close\r\n' }),
  '400s': () => ({ method: 'POST', path: collection, body: '{"kind":' }),
  '401s': () => ({ path: `${collection}/one-1`, headers: `Authorization: Bearer ${createHash('md5').update(String(made++)).digest('hex')}\r\n` }),
  '404s': () => ({ path: `${collection}/none-${made++}` }),
};

/** A connection on which one request follows the other; gives the status when the whole answer has come, or the first event. */
async function connection({ url, ca, cert, key }: Credentials): Promise<{ ask(asked: Asked): Promise<number>; end(): void }> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connectTls({ host: hostname, port: Number(port), ca, cert, key });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.setNoDelay(true);
  socket.on('error', () => {});
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
  return {
    end: () => void socket.destroy(),
    ask: ({ method = 'GET', path, body = '', headers = '' }) =>
      new Promise((resolve) => {
        done = resolve;
        const length = body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
        socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAccept: application/json\r\n${headers}${length}\r\n${body}`);
      }),
  };
}

/** The flood, in a process of its own, until it is ended. */
async function flood(credentials: Credentials, what: string, connections: number): Promise<void> {
  const next = floods[what] as () => Asked;
  let count = 0;
  process.once('SIGTERM', () => {
    process.stderr.write(`  ${count} ${what}\n`);
    process.exit(0);
  });
  // A bad token goes before a good certificate only where there is no certificate.
  const { cert: _cert, key: _key, ...nobody } = credentials;
  const as = what === '401s' ? (nobody as Credentials) : credentials;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      let open = await connection(as);
      for (;;) {
        await open.ask(next());
        count++;
        if (what !== 'watches') continue;
        open.end();
        open = await connection(as);
      }
    }),
  );
}

async function post(credentials: Credentials, path: string, bodies: readonly object[]): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(20, bodies.length) }, async () => {
      const { ask, end } = await connection(credentials);
      while (next < bodies.length) {
        const status = await ask({ method: 'POST', path, body: JSON.stringify(bodies[next++]) });
        if (status !== 201) throw new Error(`${path}: ${status}`);
      }
      end();
    }),
  );
}

interface Latencies {
  median: number;
  p99: number;
  failures: number;
}

/** Of gets and creates, one after the other with a pause, in milliseconds. */
async function latency(credentials: Credentials, seconds: number): Promise<{ gets: Latencies; creates: Latencies }> {
  const { ask, end } = await connection(credentials);
  const measured = async (asked: Asked, wanted: number, into: number[]): Promise<boolean> => {
    const started = performance.now();
    const status = await ask(asked);
    into.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 3));
    return status === wanted;
  };
  const [gets, creates]: [number[], number[]] = [[], []];
  const failures = { gets: 0, creates: 0 };
  for (const until = performance.now() + seconds * 1000; performance.now() < until; ) {
    if (!(await measured({ path: `${collection}/one-2` }, 200, gets))) failures.gets++;
    if (!(await measured(create('quiet'), 201, creates))) failures.creates++;
  }
  end();
  const of = (taken: number[], failed: number): Latencies => {
    taken.sort((a, b) => a - b);
    const at = (part: number): number => taken[Math.floor(taken.length * part)] as number;
    return { median: at(0.5), p99: at(0.99), failures: failed };
  };
  return { gets: of(gets, failures.gets), creates: of(creates, failures.creates) };
}

const lastCore = String(availableParallelism() - 1);

async function measure(target: RunningTarget, tenants: readonly [Credentials, Credentials]): Promise<void> {
  const [noisy, quiet] = tenants;
  spawnSync('taskset', ['-a', '-p', '-c', lastCore, String(process.pid)]);
  await post(target.admin, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', [
    {
      metadata: { name: 'tenants' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: ['noisy', 'quiet'].map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name })),
    },
  ]);
  await post(target.admin, '/api/v1/namespaces', [{ metadata: { name: 'large' } }]);
  const objects = (count: number, name: string) => Array.from({ length: count }, (_, index) => JSON.parse(configMap(`${name}-${index}`)) as object);
  await post(target.admin, collection, objects(500, 'one'));
  await post(target.admin, large, objects(Number(values.objects), 'item'));
  const seconds = Number(values.seconds);
  await latency(quiet, 2);
  const alone = await latency(quiet, seconds);
  const show = (what: string, found: typeof alone): void => {
    for (const kind of ['gets', 'creates'] as const) {
      const { median, p99, failures } = found[kind];
      const ratios = [median / alone[kind].median, p99 / alone[kind].p99].map((one) => one.toFixed(2));
      console.log(`| ${target.name} | ${what} | ${kind} | ${median.toFixed(2)} | ${ratios[0]} | ${p99.toFixed(2)} | ${ratios[1]} | ${failures} |`);
    }
  };
  show('nobody else', alone);
  for (const what of values.only?.split(';') ?? Object.keys(floods)) {
    const argument = JSON.stringify({ credentials: noisy, what, connections: Number(values.connections) });
    const node = [process.execPath, fileURLToPath(import.meta.url), '--flood', argument];
    const child = spawn('chrt', ['--idle', '0', ...node], { stdio: 'inherit' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    show(`a flood of ${what}`, await latency(quiet, seconds));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  }
  show('nobody else again', await latency(quiet, seconds));
}

if (values.flood !== undefined) {
  const { credentials, what, connections } = JSON.parse(values.flood) as { credentials: Credentials; what: string; connections: number };
  await flood(credentials, what, connections);
}

async function run(start: () => Promise<RunningTarget>): Promise<void> {
  const target = await start();
  try {
    await measure(target, [target.userOf('noisy'), target.userOf('quiet')]);
  } finally {
    await target.stop();
  }
}

console.log('| | beside | the other’s | median (ms) | ÷ quiet | p99 (ms) | ÷ quiet | failures |');
console.log('| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |');
const { 'kube-apiserver': apiserver, etcd } = values;
if (apiserver && etcd) await run(() => startUpstream({ apiserver, etcd }));
await run(startKnarr);
process.exit(0);
