/** Measures a control plane, and upstream's beside it when its programs are given: one after the other, in the same run. */
import { execFile } from 'node:child_process';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Load, LoadResult } from './load.ts';
import { type Credentials, type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

const { values } = parseArgs({
  options: { 'kube-apiserver': { type: 'string' }, etcd: { type: 'string' }, seconds: { type: 'string', default: '5' } },
});
const seconds = Number(values.seconds);
const loadFile = fileURLToPath(new URL('./load.ts', import.meta.url));
const connections = 32;
const objects = 5_000;

/** By the name of the measurement. */
type Figures = Map<string, number>;

function generate(credentials: Credentials, load: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [loadFile, JSON.stringify({ credentials, load })], { maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout) as LoadResult);
    });
  });
}

async function measure(target: RunningTarget): Promise<Figures> {
  const figures = new Map<string, number>([['ready (ms)', target.readyMs]]);
  await sleep(3_000);
  figures.set('resident when idle (MB)', usageOf(target.pids).residentMb);
  const credentials = await asBencher(target);
  const rate = async (name: string, load: Load): Promise<void> => {
    const before = usageOf(target.pids).cpuSeconds;
    const { requests, seconds: took, failures } = await generate(credentials, load);
    if (failures > 0) throw new Error(`${target.name}, ${name}: ${failures} of ${requests} failed`);
    figures.set(`${name} (/s)`, requests / took);
    figures.set(`${name} (CPU ms each)`, ((usageOf(target.pids).cpuSeconds - before) / requests) * 1000);
    console.error(`${target.name}: ${name}: ${Math.round(requests / took)}/s`);
  };
  await rate('creates, HTTP/1.1', { kind: 'create', protocol: 'http1', connections, seconds, prefix: 'one', objects });
  await rate('creates, HTTP/2', { kind: 'create', protocol: 'http2', connections, seconds, prefix: 'two', objects });
  await rate('gets, HTTP/1.1', { kind: 'get', protocol: 'http1', connections, seconds, prefix: 'one', objects: 1_000 });
  await rate('gets, HTTP/2', { kind: 'get', protocol: 'http2', connections, seconds, prefix: 'one', objects: 1_000 });
  await rate('watch events to 200 watchers', { kind: 'watch', watchers: 200, events: 200 });
  await rate(`lists of ${objects}`, {
    kind: 'list',
    connections: 4,
    seconds,
    path: `/api/v1/configmaps?limit=${objects}&resourceVersion=0&resourceVersionMatch=NotOlderThan`,
  });
  figures.set('resident at the end (MB)', usageOf(target.pids).residentMb);
  return figures;
}

/** Gives the user `bench` its rights. */
async function asBencher({ admin, bench }: RunningTarget): Promise<Credentials> {
  await post(admin, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'bench' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bench' }],
  });
  return bench;
}

function post({ url, ca, cert, key }: Credentials, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, { method: 'POST', ca, cert, key, headers: { 'content-type': 'application/json' } }, (response) => {
      response.resume();
      if (response.statusCode === 201) resolve();
      else reject(new Error(`${path}: ${response.statusCode}`));
    });
    asking.once('error', reject);
    asking.end(JSON.stringify(body));
  });
}

async function measured(start: () => Promise<RunningTarget>): Promise<Figures> {
  const target = await start();
  try {
    return await measure(target);
  } finally {
    await target.stop();
  }
}

const apiserver = values['kube-apiserver'];
const upstream = apiserver && values.etcd ? await measured(() => startUpstream({ apiserver, etcd: values.etcd as string })) : undefined;
const knarr = await measured(startKnarr);
const format = (value: number): string => (value < 10 ? value.toFixed(2) : String(Math.round(value)));
console.log(`| | knarr |${upstream ? ' upstream | knarr ÷ upstream |' : ''}`);
console.log(`| --- | ---: |${upstream ? ' ---: | ---: |' : ''}`);
for (const [name, value] of knarr) {
  const other = upstream?.get(name);
  console.log(`| ${name} | ${format(value)} |${other === undefined ? '' : ` ${format(other)} | ${(value / other).toFixed(2)} |`}`);
}
process.exit(0);
