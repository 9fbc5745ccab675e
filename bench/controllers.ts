/**
 * Controllers at work on knarr's API server with simulated nodes: knarr's, and upstream's kube-controller-manager one after the other in
 * the same run: `node bench/controllers.ts --kube-controller-manager FILE`. A Deployment from nothing to its size and back, Jobs, and the
 * collection of what has lost its owner. Scheduler, API server and nodes are knarr's in both; with --kube-apiserver, --etcd and
 * --kube-scheduler as well, upstream's run its side alone, and only the nodes are knarr's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deployments } from '../src/api/apps/v1/deployment.ts';
import { jobs } from '../src/api/batch/v1/job.ts';
import { configmaps } from '../src/api/core/v1/configmap.ts';
import { namespaces } from '../src/api/core/v1/namespace.ts';
import { nodes } from '../src/api/core/v1/node.ts';
import { pods } from '../src/api/core/v1/pod.ts';
import { serviceaccounts } from '../src/api/core/v1/serviceaccount.ts';
import type { Client, ResourceRef } from '../src/client/client.ts';
import { transportFromKubeconfig } from '../src/client/kubeconfig.ts';
import { createClient } from '../src/client/rest.ts';
import { kubeconfigText } from '../src/cluster/controlplane/kubeconfig.ts';
import { readDelays } from './delays.ts';
import { type Figures, printTable } from './measure.ts';
import { freePort, type RunningTarget, startKnarr, startUpstream, usageOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    'kube-controller-manager': { type: 'string' },
    'kube-apiserver': { type: 'string' },
    etcd: { type: 'string' },
    'kube-scheduler': { type: 'string' },
    nodes: { type: 'string', default: '100' },
    pods: { type: 'string', default: '10000' },
    jobs: { type: 'string', default: '500' },
    'pods-per-job': { type: 'string', default: '20' },
    objects: { type: 'string', default: '50000' },
    only: { type: 'string' },
  },
});
const [nodeCount, podCount, jobCount, podsPerJob, objectCount] = [values.nodes, values.pods, values.jobs, values['pods-per-job'], values.objects].map(
  Number,
) as [number, number, number, number, number];
const namespace = 'bench';
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const loopDelay = fileURLToPath(new URL('./loopdelay.ts', import.meta.url));
const patienceMs = 900_000;

async function each(count: number, work: (index: number) => Promise<unknown>, atOnce = 64): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      for (let index = next++; index < count; index = next++) await work(index);
    }),
  );
}

/** Looks often enough for the second digit, and seldom enough not to be the load. */
async function until(what: string, probe: () => Promise<boolean | undefined>): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await probe()); await sleep(100)) if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
}

async function isEmpty(client: Client, ref: ResourceRef, labelSelector?: string): Promise<boolean> {
  const { items } = await client.resource(ref).list(namespace, { limit: 1, ...(labelSelector ? { labelSelector } : {}) });
  return items.length === 0;
}

interface Place {
  client: Client;
  target: RunningTarget;
  /** Where the server writes how late its turns came. */
  delays: string;
  /** Of the process that runs the controllers, where it is not the server. */
  manager?: ChildProcess | undefined;
}

async function phase(place: Place, figures: Figures, name: string, work: () => Promise<void>): Promise<void> {
  await readDelays(place.target, place.delays);
  const pids = [...place.target.pids, ...(place.manager?.pid ? [place.manager.pid] : [])];
  const before = usageOf(pids).cpuSeconds;
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { residentMb, cpuSeconds } = usageOf(pids);
  const cpu = cpuSeconds - before;
  const { p99, max } = await readDelays(place.target, place.delays);
  figures.set(`${name} (s)`, seconds);
  figures.set(`${name}: CPU, server and controllers (s)`, cpu);
  figures.set(`${name}: the server's loop, p99 (ms)`, p99);
  figures.set(`${name}: the server's loop, longest (ms)`, max);
  figures.set(`${name}: resident, server and controllers (MB)`, residentMb);
  console.error(
    `  ${name}: ${seconds.toFixed(1)} s, CPU ${cpu.toFixed(1)} s, loop p99 ${p99.toFixed(0)} ms, longest ${max.toFixed(0)} ms, ${Math.round(residentMb)} MB`,
  );
}

const containers = [{ name: 'main', image: 'web:1' }];

async function measure(place: Place): Promise<Figures> {
  const { client } = place;
  const figures: Figures = new Map();
  const wanted = (name: string): boolean => values.only === undefined || values.only === name;
  await client.resource(namespaces).create({ metadata: { name: namespace }, spec: {} });
  await until('the namespace has its account', () =>
    client
      .resource(serviceaccounts)
      .get(namespace, 'default')
      .then(
        () => true,
        () => false,
      ),
  );
  const named = (name: string) => ({ name, namespace });
  if (wanted('deployment')) {
    const template = { metadata: { name: '', labels: { app: 'web' } }, spec: { containers } };
    await client.resource(deployments).create({ metadata: named('web'), spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, template } });
    const scale = (replicas: number) => client.resource(deployments).patch(namespace, 'web', 'merge', { spec: { replicas } });
    const status = async () => (await client.resource(deployments).get(namespace, 'web')).status;
    await phase(place, figures, `Deployment 0 → ${podCount}`, async () => {
      await scale(podCount);
      await until('all are available', async () => (await status())?.availableReplicas === podCount);
    });
    await phase(place, figures, `Deployment ${podCount} → 0`, async () => {
      await scale(0);
      await until('none is left', async () => (await status())?.replicas === undefined && isEmpty(client, pods));
    });
  }
  if (wanted('jobs')) {
    await phase(place, figures, `${jobCount} Jobs of ${podsPerJob} pods`, async () => {
      const template = { metadata: { name: '' }, spec: { restartPolicy: 'Never', containers } };
      await each(jobCount, (index) =>
        client.resource(jobs).create({ metadata: named(`work-${index}`), spec: { completions: podsPerJob, parallelism: podsPerJob, template } }),
      );
      const complete = async (): Promise<boolean> => {
        const { items } = await client.resource(jobs).list(namespace, { resourceVersion: '0' });
        return (
          items.length === jobCount &&
          items.every(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Complete' && value === 'True'))
        );
      };
      while (!(await complete())) await sleep(500);
    });
  }
  if (wanted('garbage')) {
    const owner = await client.resource(configmaps).create({ metadata: named('owner') });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid ?? '' }];
    await each(objectCount, (index) =>
      client.resource(configmaps).create({ metadata: { ...named(`owned-${index}`), labels: { owned: 'yes' }, ownerReferences } }),
    );
    await sleep(2_000);
    await phase(place, figures, `collection of ${objectCount} objects`, async () => {
      await client.resource(configmaps).delete(namespace, 'owner', { propagationPolicy: 'Background' });
      await until('none is left', () => isEmpty(client, configmaps, 'owned=yes'));
    });
  }
  return figures;
}

async function run(controllers: string, startManager?: (kubeconfig: string, pki: string) => Promise<ChildProcess>): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const delays = join(directory, 'delays.json');
  process.env['BENCH_LOOP_DELAY'] = delays;
  process.env['NODE_OPTIONS'] = `--import=${loopDelay}`;
  const target = await (stack && startManager ? startUpstream(stack) : startKnarr(['--controllers', controllers]));
  delete process.env['NODE_OPTIONS'];
  delete process.env['BENCH_LOOP_DELAY'];
  const { url: server, ca, cert: certificate, key } = target.admin;
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ server, ca, user: 'admin', credentials: { certificate, key } }));
  const client = createClient(await transportFromKubeconfig(kubeconfig), { userAgent: 'bench' });
  const children: ChildProcess[] = [];
  try {
    const manager = await startManager?.(kubeconfig, directory);
    if (manager) children.push(manager);
    if (stack && startManager) children.push(kubeScheduler(stack.scheduler, kubeconfig));
    const taken = ['fake-nodes', '--kubeconfig', kubeconfig, '--count', String(nodeCount), '--fake-node-resources', 'pods=250'];
    children.push(spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...taken], { stdio: 'ignore' }));
    await until('the nodes are ready', async () => {
      const { items } = await client.resource(nodes).list('');
      return items.length === nodeCount && items.every(({ spec }) => !spec.taints?.length);
    });
    return await measure({ client, target, delays, manager });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await client.close();
    await target.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

const { 'kube-apiserver': apiserver, etcd, 'kube-scheduler': scheduler } = values;
const stack = apiserver && etcd && scheduler ? { apiserver, etcd, scheduler } : undefined;

/** Its client limits raised, and as many workers as it wants by default. */
async function kubeControllerManager(program: string, kubeconfig: string, directory: string): Promise<ChildProcess> {
  const access = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((option) => `--${option}=${kubeconfig}`);
  const own = [`--cert-dir=${directory}`, '--bind-address=127.0.0.1', `--secure-port=${await freePort()}`, '--leader-elect=false'];
  return spawn(program, [...access, ...own, '--kube-api-qps=5000', '--kube-api-burst=10000'], { stdio: 'ignore' });
}

function kubeScheduler(file: string, kubeconfig: string): ChildProcess {
  const config = `${kubeconfig}.scheduler.yaml`;
  const content = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig, qps: 5000, burst: 10000 },
  };
  writeFileSync(config, JSON.stringify(content));
  return spawn(file, ['--config', config, '--secure-port', '0'], { stdio: 'ignore' });
}

const program = values['kube-controller-manager'];
let upstream: Figures | undefined;
if (program) {
  console.error("upstream's kube-controller-manager:");
  upstream = await run('-*', (kubeconfig, directory) => kubeControllerManager(program, kubeconfig, directory));
}
console.error("knarr's controllers:");
printTable(await run('*'), upstream);
process.exit(0);
