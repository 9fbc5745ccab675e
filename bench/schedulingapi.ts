/**
 * Pods per second from create to bound, through the API, one after the other in the same run: upstream's kube-apiserver, etcd and
 * kube-scheduler; knarr's server with upstream's kube-scheduler; knarr:
 * `node bench/schedulingapi.ts --nodes 1000 --pods 2000 --kube-apiserver FILE --etcd FILE --kube-scheduler FILE`. Parts of it with
 * `--targets knarr,upstream` and `--only plain,preemption`.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namespaces } from '../src/api/core/v1/namespace.ts';
import { nodes as nodeKind } from '../src/api/core/v1/node.ts';
import { pods as podKind } from '../src/api/core/v1/pod.ts';
import { serviceaccounts } from '../src/api/core/v1/serviceaccount.ts';
import { priorityclasses } from '../src/api/scheduling/v1/priorityclass.ts';
import type { Client } from '../src/client/client.ts';
import { transportFromKubeconfig } from '../src/client/kubeconfig.ts';
import { createClient } from '../src/client/rest.ts';
import { kubeconfigText } from '../src/cluster/controlplane/kubeconfig.ts';
import { type Delays, readDelays } from './delays.ts';
import { type Ask, http1, watchLines } from './http1.ts';
import { admitBencher } from './measure.ts';
import { type Case, casesOf, hostname, namespace, podOf, zone } from './schedulingcases.ts';
import { type Credentials, launch, type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    'kube-apiserver': { type: 'string' },
    etcd: { type: 'string' },
    'kube-scheduler': { type: 'string' },
    nodes: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '1000' },
    only: { type: 'string' },
    targets: { type: 'string', default: 'upstream,mixed,knarr' },
  },
});
const nodeCount = Number(values.nodes);
const podCount = Number(values.pods);
const path = `/api/v1/namespaces/${namespace}/pods`;
const delays = join(tmpdir(), `delays-${process.pid}.json`);
const allocatable = { cpu: '32', memory: '256Gi', pods: '110' };

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** As many at once as a client may have under way. */
async function each(count: number, work: (index: number) => Promise<unknown>, atOnce = 64): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      for (let index = next++; index < count; index = next++) await work(index);
    }),
  );
}

async function prepare(client: Client): Promise<void> {
  const nodes = client.resource(nodeKind);
  await client.resource(namespaces).create({ metadata: { name: namespace }, spec: {} });
  await client.resource(serviceaccounts).create({ metadata: { name: 'default', namespace } });
  await client.resource(priorityclasses).create({ metadata: { name: 'high' }, value: 1_000 });
  await each(nodeCount, async (index) => {
    const name = `n${index}`;
    const status = { allocatable, capacity: allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
    const made = await nodes.create({ metadata: { name, labels: { [hostname]: name, [zone]: `z${index % 3}` } }, spec: {}, status });
    // Admission taints new nodes.
    await nodes.update({ ...made, spec: {} });
  });
}

interface Figure {
  rate: number;
  /** Of all processes of the control plane, per pod: on a machine that others use as well it says more than the rate. */
  cpuMs: number;
  residentMb: number;
  /** How late turns of knarr's API server came, in milliseconds. */
  loop: Delays;
}

interface Place {
  client: Client;
  /** Whose requests the load is: flow control and RBAC look at them, as they do at most. */
  bencher: Credentials;
  pids: readonly number[];
  delaysOf(): Promise<Delays>;
}

const boundWithinMs = 120_000;
const goneWithinMs = 60_000;

async function measure({ client, bencher, pids, delaysOf }: Place, name: string, { spec, fill, count }: Case): Promise<Figure> {
  const pods = client.resource(podKind);
  if (fill) await each(nodeCount, (index) => pods.create(podOf(`filler-${index}`, index, fill(index))));
  const { metadata } = await pods.list(namespace, { limit: 1 });
  const connections = await Promise.all(Array.from({ length: Math.min(64, count) }, () => http1(bencher)));
  const bodies = Array.from({ length: count }, (_, index) => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...podOf(`p${index}`, index, spec(index)) }));
  const { promise: bound, resolve, reject } = Promise.withResolvers<void>();
  const left = new Set(bodies.keys());
  const endWatch = await watchLines(bencher, path, metadata.resourceVersion!, (line) => {
    if (line.startsWith('{"type":"ERROR"')) reject(new Error(`${name}: the watch failed: ${line}`));
    if (!line.startsWith('{"type":"MODIFIED"') || !line.includes('"nodeName":"')) return;
    const index = /"name":"p(\d+)"/.exec(line)?.[1];
    if (index !== undefined && left.delete(Number(index)) && left.size === 0) resolve();
  });
  await delaysOf();
  const before = usageOf(pids).cpuSeconds;
  const started = performance.now();
  let next = 0;
  const create = async (ask: Ask): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      let status = await ask({ method: 'POST', path, body: bodies[index]! });
      // As clients do.
      for (; status === 429; status = await ask({ method: 'POST', path, body: bodies[index]! })) await sleep(100);
      if (status !== 201) throw new Error(`${name}: p${index} was answered with ${status}`);
    }
  };
  const late = setTimeout(() => reject(new Error(`${name}: ${left.size} of ${count} pods were not seen to be bound in time`)), boundWithinMs);
  const creating = Promise.all(connections.map(({ ask }) => create(ask))).then(() => performance.now());
  const [created] = await Promise.all([creating, bound]).finally(() => {
    clearTimeout(late);
    endWatch();
    for (const { socket } of connections) socket.destroy();
  });
  const seconds = (performance.now() - started) / 1000;
  const { residentMb, cpuSeconds } = usageOf(pids);
  const cpuMs = ((cpuSeconds - before) / count) * 1000;
  const loop = await delaysOf();
  console.error(
    `  ${name}: created in ${((created - started) / 1000).toFixed(1)} s, bound in ${seconds.toFixed(1)} s, CPU ${cpuMs.toFixed(2)} ms per pod, ${residentMb.toFixed(0)} MB, loop p99 ${loop.p99.toFixed(0)} ms, longest ${loop.max.toFixed(0)} ms`,
  );
  await pods.deleteCollection(namespace, { gracePeriodSeconds: 0 });
  for (const deadline = performance.now() + goneWithinMs; (await pods.list(namespace, { limit: 1 })).items.length > 0; await sleep(100)) {
    if (performance.now() > deadline) throw new Error(`${name}: the pods did not go`);
  }
  return { rate: count / seconds, cpuMs, residentMb, loop };
}

async function run(title: string, target: RunningTarget, withScheduler: (kubeconfig: string) => ChildProcess | undefined): Promise<Map<string, Figure>> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const { url: server, ca, cert: certificate, key } = target.admin;
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ server, ca, user: 'admin', credentials: { certificate, key } }));
  const client = createClient(await transportFromKubeconfig(kubeconfig), { userAgent: 'bench' });
  console.error(`${title}:`);
  let scheduler: ChildProcess | undefined;
  const delaysOf = (): Promise<Delays> => readDelays(target, delays);
  try {
    await prepare(client);
    await admitBencher(target);
    scheduler = withScheduler(kubeconfig);
    const place = { client, bencher: target.bench, pids: [...target.pids, ...(scheduler?.pid ? [scheduler.pid] : [])], delaysOf };
    await measure(place, 'warm-up', { count: Math.min(500, podCount), spec: () => ({}) });
    const figures = new Map<string, Figure>();
    for (const [name, one] of Object.entries(casesOf(nodeCount, podCount))) {
      if (values.only && !values.only.split(',').includes(name)) continue;
      figures.set(name, await measure(place, name, one));
    }
    return figures;
  } finally {
    scheduler?.kill();
    await client.close();
    await target.stop();
    rmSync(directory, { recursive: true, force: true });
    rmSync(delays, { force: true });
  }
}

function kubeScheduler(program: string, kubeconfig: string): ChildProcess {
  const config = `${kubeconfig}.scheduler.yaml`;
  writeFileSync(
    config,
    `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: { leaderElect: false }
clientConnection: { kubeconfig: ${kubeconfig}, qps: 5000, burst: 10000 }
`,
  );
  return launch(program, ['--config', config, '--secure-port', '0'], `${kubeconfig}.scheduler.log`);
}

const { 'kube-apiserver': apiserver, etcd, 'kube-scheduler': program } = values;
const wanted = (target: string): boolean => values.targets.split(',').includes(target);
const results: { title: string; figures: Map<string, Figure> }[] = [];
const measured = async (...[title, ...how]: Parameters<typeof run>): Promise<void> => {
  results.push({ title, figures: await run(title, ...how) });
};

if (wanted('upstream') && apiserver && etcd && program)
  await measured('upstream', await startUpstream({ apiserver, etcd }), (config) => kubeScheduler(program, config));
process.env['BENCH_LOOP_DELAY'] = delays;
process.env['NODE_OPTIONS'] = `--import=${fileURLToPath(new URL('./loopdelay.ts', import.meta.url))}`;
const alone = ['--controllers', '', '--store', 'lmdb'];
if (wanted('mixed') && program)
  await measured("knarr, upstream's scheduler", await startKnarr([...alone, '--no-scheduler']), (config) => kubeScheduler(program, config));
if (wanted('knarr')) await measured('knarr', await startKnarr(alone), () => undefined);

const upstream = results.find(({ title }) => title === 'upstream')?.figures;
const knarr = results.find(({ title }) => title === 'knarr')?.figures;
const compared = upstream && knarr;
console.log(`| ${nodeCount} nodes, ${podCount} pods | ${results.map(({ title }) => title).join(' | ')} |${compared ? ' knarr ÷ upstream |' : ''}`);
console.log(`| --- |${' ---: |'.repeat(results.length + (compared ? 1 : 0))}`);
const row = (name: string, what: string, valueOf: (figure: Figure) => number, digits: number): void => {
  const of = (figures: Map<string, Figure>): number => valueOf(figures.get(name)!);
  const cells = results.map(({ figures }) => (Number.isNaN(of(figures)) ? '' : of(figures).toFixed(digits)));
  if (compared) cells.push(Number.isNaN(of(upstream)) ? '' : (of(knarr) / of(upstream)).toFixed(2));
  console.log(`| ${name} (${what}) | ${cells.join(' | ')} |`);
};
for (const name of results[0]?.figures.keys() ?? []) {
  row(name, 'pods/s', ({ rate }) => rate, 0);
  row(name, 'CPU ms per pod', ({ cpuMs }) => cpuMs, 2);
  row(name, 'resident, MB', ({ residentMb }) => residentMb, 0);
  row(name, 'loop p99, ms', ({ loop }) => loop.p99, 0);
  row(name, 'loop longest, ms', ({ loop }) => loop.max, 0);
}
process.exit(0);
