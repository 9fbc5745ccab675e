/**
 * Pods per second from create to bound, through the API: knarr, and upstream's kube-apiserver, etcd and kube-scheduler one after the
 * other in the same run: `node bench/schedulingapi.ts --nodes 1000 --pods 2000 --kube-apiserver FILE --etcd FILE --kube-scheduler FILE`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namespaces } from '../src/api/core/v1/namespace.ts';
import { nodes as nodeKind } from '../src/api/core/v1/node.ts';
import { pods as podKind } from '../src/api/core/v1/pod.ts';
import { serviceaccounts } from '../src/api/core/v1/serviceaccount.ts';
import type { Pod } from '../src/api/core/v1/types.gen.ts';
import { priorityclasses } from '../src/api/scheduling/v1/priorityclass.ts';
import type { Client } from '../src/client/client.ts';
import { transportFromKubeconfig } from '../src/client/kubeconfig.ts';
import { createClient } from '../src/client/rest.ts';
import { kubeconfigText } from '../src/cluster/controlplane/kubeconfig.ts';
import { type Ask, http1, watchLines } from './http1.ts';
import { admitBencher } from './measure.ts';
import { type Credentials, type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    'kube-apiserver': { type: 'string' },
    etcd: { type: 'string' },
    'kube-scheduler': { type: 'string' },
    nodes: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '1000' },
    only: { type: 'string' },
    'only-knarr': { type: 'boolean', default: false },
  },
});
const nodeCount = Number(values.nodes);
const podCount = Number(values.pods);
const namespace = 'bench';
const path = `/api/v1/namespaces/${namespace}/pods`;
const delays = join(tmpdir(), `delays-${process.pid}.json`);
const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';
const allocatable = { cpu: '32', memory: '256Gi', pods: '110' };
/** A victim per node, and a preemptor for a part of them. */
const preemptors = Math.min(300, nodeCount, podCount);

type Spec = Partial<Pod['spec']>;
interface Case {
  spec(index: number): Spec;
  count: number;
  /** What is there beforehand. */
  fill?(index: number): Spec;
}

const labelSelector = { matchLabels: { app: 'web' } };
const requests = (cpu: string) => ({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory: '64Mi' } } }] });
const cases: Record<string, Case> = {
  plain: { count: podCount, spec: () => ({}) },
  'anti-affinity': {
    count: podCount,
    spec: (index) => {
      const term = { labelSelector: { matchLabels: { group: `g${index % 20}` } }, topologyKey: hostname };
      return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
    },
  },
  'topology spread': {
    count: podCount,
    spec: () => ({
      topologySpreadConstraints: [
        { maxSkew: 5, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector },
        { maxSkew: 1, topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway', labelSelector },
      ],
    }),
  },
  preemption: {
    count: preemptors,
    fill: (index) => ({ ...requests('30'), nodeName: `n${index}`, terminationGracePeriodSeconds: 0 }),
    spec: () => ({ ...requests('30'), priorityClassName: 'high' }),
  },
};

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

const podOf = (name: string, index: number, spec: Spec): Pod => ({
  metadata: { name, namespace, labels: { app: 'web', group: `g${index % 20}` } },
  spec: { ...requests('100m'), ...spec, containers: spec.containers ?? requests('100m').containers },
});

interface Delays {
  p99: number;
  max: number;
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

async function measure({ client, bencher, pids, delaysOf }: Place, name: string, { spec, fill, count }: Case): Promise<Figure> {
  const pods = client.resource(podKind);
  if (fill) await each(nodeCount, (index) => pods.create(podOf(`filler-${index}`, index, fill(index))));
  const { metadata } = await pods.list(namespace, { limit: 1 });
  const connections = await Promise.all(Array.from({ length: Math.min(64, count) }, () => http1(bencher)));
  const bodies = Array.from({ length: count }, (_, index) => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...podOf(`p${index}`, index, spec(index)) }));
  const { promise: bound, resolve, reject } = Promise.withResolvers<void>();
  const left = new Set(bodies.keys());
  const endWatch = await watchLines(bencher, `${path}?watch=1&resourceVersion=${metadata.resourceVersion}`, (line) => {
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
      if (status !== 201) {
        // Said at once: the server's end may take long while the watch is open.
        console.error(`  ${name}: p${index} was answered with ${status}`);
        throw new Error(`p${index}: ${status}`);
      }
    }
  };
  await Promise.all(connections.map(({ ask }) => create(ask)));
  const created = performance.now();
  const late = setTimeout(() => {
    console.error(`  ${name}: all are created, ${left.size} not bound`);
    reject(new Error(`${name}: not all pods were bound in time`));
  }, 60_000);
  await bound;
  clearTimeout(late);
  const seconds = (performance.now() - started) / 1000;
  const { residentMb, cpuSeconds } = usageOf(pids);
  const cpuMs = ((cpuSeconds - before) / count) * 1000;
  const loop = await delaysOf();
  console.error(
    `  ${name}: created in ${((created - started) / 1000).toFixed(1)} s, bound in ${seconds.toFixed(1)} s, CPU ${cpuMs.toFixed(2)} ms per pod, loop p99 ${loop.p99.toFixed(0)} ms, longest ${loop.max.toFixed(0)} ms`,
  );
  endWatch();
  for (const { socket } of connections) socket.destroy();
  await pods.deleteCollection(namespace, { gracePeriodSeconds: 0 });
  while ((await pods.list(namespace, { limit: 1 })).items.length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  return { rate: count / seconds, cpuMs, residentMb, loop };
}

async function run(target: RunningTarget, withScheduler: (kubeconfig: string) => ChildProcess | undefined): Promise<Map<string, Figure>> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const { url: server, ca, cert: certificate, key } = target.admin;
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ server, ca, user: 'admin', credentials: { certificate, key } }));
  const client = createClient(await transportFromKubeconfig(kubeconfig), { userAgent: 'bench' });
  console.error(`${target.name}:`);
  let scheduler: ChildProcess | undefined;
  const delaysOf = async (): Promise<Delays> => {
    if (target.name !== 'knarr') return { p99: Number.NaN, max: Number.NaN };
    rmSync(delays, { force: true });
    process.kill(target.pids[0] as number, 'SIGUSR2');
    for (;;) {
      await sleep(20);
      try {
        return JSON.parse(readFileSync(delays, 'utf8')) as Delays;
      } catch {
        // Not written yet, or not to its end.
      }
    }
  };
  try {
    await prepare(client);
    await admitBencher(target);
    scheduler = withScheduler(kubeconfig);
    // It is there when it binds.
    const place = { client, bencher: target.bench, pids: [...target.pids, ...(scheduler?.pid ? [scheduler.pid] : [])], delaysOf };
    await measure(place, 'warm-up', { count: Math.min(100, podCount), spec: () => ({}) });
    const figures = new Map<string, Figure>();
    for (const [name, one] of Object.entries(cases)) {
      if (values.only && values.only !== name) continue;
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
  return spawn(program, ['--config', config, '--secure-port', '0'], { stdio: 'ignore' });
}

const { 'kube-apiserver': apiserver, etcd, 'kube-scheduler': program } = values;
const upstream =
  apiserver && etcd && program && !values['only-knarr']
    ? await run(await startUpstream({ apiserver, etcd }), (config) => kubeScheduler(program, config))
    : undefined;
process.env['BENCH_LOOP_DELAY'] = delays;
process.env['NODE_OPTIONS'] = `--import=${fileURLToPath(new URL('./loopdelay.ts', import.meta.url))}`;
const knarr = await run(await startKnarr(['--controllers', '', '--store', 'lmdb']), () => undefined);
console.log(`| ${nodeCount} nodes, ${podCount} pods | knarr |${upstream ? ' upstream | knarr ÷ upstream |' : ''}`);
console.log(`| --- | ---: |${upstream ? ' ---: | ---: |' : ''}`);
const row = (what: string, own: number, other: number | undefined, digits: number): void =>
  console.log(`| ${what} | ${own.toFixed(digits)} |${other === undefined ? '' : ` ${other.toFixed(digits)} | ${(own / other).toFixed(2)} |`}`);
for (const [name, { rate, cpuMs, residentMb, loop }] of knarr) {
  const other = upstream?.get(name);
  row(`${name} (pods/s)`, rate, other?.rate, 0);
  row(`${name} (CPU ms per pod)`, cpuMs, other?.cpuMs, 2);
  row(`${name} (resident, MB)`, residentMb, other?.residentMb, 0);
  row(`${name} (loop p99, ms)`, loop.p99, undefined, 0);
  row(`${name} (loop longest, ms)`, loop.max, undefined, 0);
}
process.exit(0);
