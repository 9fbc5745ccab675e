/**
 * Pods per second from create to bound, through the API: knarr, and upstream's kube-apiserver, etcd and kube-scheduler one after the
 * other in the same run: `node bench/schedulingapi.ts --nodes 1000 --pods 2000 --kube-apiserver FILE --etcd FILE --kube-scheduler FILE`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

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

interface Figure {
  rate: number;
  /** Of all processes of the control plane, per pod: on a machine that others use as well it says more than the rate. */
  cpuMs: number;
}

async function measure(client: Client, pids: readonly number[], name: string, { spec, fill, count }: Case): Promise<Figure> {
  const pods = client.resource(podKind);
  if (fill) await each(nodeCount, (index) => pods.create(podOf(`filler-${index}`, index, fill(index))));
  const { metadata } = await pods.list(namespace, { limit: 1 });
  const watching = new AbortController();
  const bound = (async () => {
    const left = new Set(Array.from({ length: count }, (_, index) => `p${index}`));
    const query = metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {};
    for await (const event of pods.watch(namespace, query, watching.signal)) {
      if (event.type === 'MODIFIED' && event.object.spec.nodeName && left.delete(event.object.metadata.name) && left.size === 0) break;
    }
  })();
  const before = usageOf(pids).cpuSeconds;
  const started = performance.now();
  await each(count, (index) => pods.create(podOf(`p${index}`, index, spec(index))));
  const created = performance.now();
  const late = setTimeout(() => watching.abort(new Error(`${name}: not all pods were bound in time`)), 300_000);
  await bound;
  clearTimeout(late);
  const seconds = (performance.now() - started) / 1000;
  const cpuMs = ((usageOf(pids).cpuSeconds - before) / count) * 1000;
  console.error(`  ${name}: created in ${((created - started) / 1000).toFixed(1)} s, bound in ${seconds.toFixed(1)} s, CPU ${cpuMs.toFixed(2)} ms per pod`);
  watching.abort();
  await pods.deleteCollection(namespace, { gracePeriodSeconds: 0 });
  while ((await pods.list(namespace, { limit: 1 })).items.length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  return { rate: count / seconds, cpuMs };
}

async function run(target: RunningTarget, withScheduler: (kubeconfig: string) => ChildProcess | undefined): Promise<Map<string, Figure>> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const { url: server, ca, cert: certificate, key } = target.admin;
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ server, ca, user: 'admin', credentials: { certificate, key } }));
  const client = createClient(await transportFromKubeconfig(kubeconfig), { userAgent: 'bench' });
  console.error(`${target.name}:`);
  let scheduler: ChildProcess | undefined;
  try {
    await prepare(client);
    scheduler = withScheduler(kubeconfig);
    // It is there when it binds.
    const pids = [...target.pids, ...(scheduler?.pid ? [scheduler.pid] : [])];
    await measure(client, pids, 'warm-up', { count: Math.min(100, podCount), spec: () => ({}) });
    const figures = new Map<string, Figure>();
    for (const [name, one] of Object.entries(cases)) {
      if (values.only && values.only !== name) continue;
      figures.set(name, await measure(client, pids, name, one));
    }
    return figures;
  } finally {
    scheduler?.kill();
    await client.close();
    await target.stop();
    rmSync(directory, { recursive: true, force: true });
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
const knarr = await run(await startKnarr(['--controllers', '', '--store', 'lmdb']), () => undefined);
console.log(`| ${nodeCount} nodes, ${podCount} pods | knarr |${upstream ? ' upstream | knarr ÷ upstream |' : ''}`);
console.log(`| --- | ---: |${upstream ? ' ---: | ---: |' : ''}`);
const row = (what: string, own: number, other: number | undefined, digits: number): void =>
  console.log(`| ${what} | ${own.toFixed(digits)} |${other === undefined ? '' : ` ${other.toFixed(digits)} | ${(own / other).toFixed(2)} |`}`);
for (const [name, { rate, cpuMs }] of knarr) {
  const other = upstream?.get(name);
  row(`${name} (pods/s)`, rate, other?.rate, 0);
  row(`${name} (CPU ms per pod)`, cpuMs, other?.cpuMs, 2);
}
process.exit(0);
