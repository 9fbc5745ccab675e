/**
 * Records what a kube-scheduler decides about generated clusters:
 * `node test/integration/scheduler/decisions/record.ts --kube-scheduler FILE [--clusters 700] [--first 0] > recorded.txt`
 *
 * The program runs against a control plane of this process, with an extender that is asked to filter: so it is told exactly which nodes
 * passed. It refuses them all, for a reason that shows in the pod's condition; asked about preemption, it takes note of all victims on
 * all nodes and refuses again. So nothing ever changes, and every pod is decided on as if it were alone.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { Node, Pod } from '../../../../src/api/core/v1/types.gen.ts';
import { builtinKinds } from '../../../../src/api/index.ts';
import type { PriorityClass } from '../../../../src/api/scheduling/v1/types.gen.ts';
import type { KubeObject } from '../../../../src/apimachinery/meta.ts';
import type { ResourceClient } from '../../../../src/client/client.ts';
import { startControlPlane } from '../../../../src/cluster/controlplane/controlplane.ts';
import { kubeconfigText } from '../../../../src/cluster/controlplane/kubeconfig.ts';
import { openStore } from '../../../../src/cluster/controlplane/store.ts';
import { createPki } from '../../../../src/cluster/pki/pki.ts';
import { type GeneratedCluster, generateCluster } from './generate.ts';
import { formatRecord, type Recorded, refusal } from './recorded.ts';
import { namespaces, priorities } from './words.ts';

const { values } = parseArgs({
  options: {
    'kube-scheduler': { type: 'string' },
    clusters: { type: 'string', default: '700' },
    first: { type: 'string', default: '0' },
    settle: { type: 'string', default: '150' },
    verbose: { type: 'boolean', default: false },
  },
});
const program = values['kube-scheduler'];
if (!program) throw new Error('--kube-scheduler FILE');
const settleMs = Number(values.settle);

const pki = createPki();
const controlPlane = await startControlPlane({
  store: await openStore('memory', ''),
  pki,
  listen: [{ address: '127.0.0.1', port: 0 }],
  serviceCidr: '10.96.0.0/16',
  podCidr: '10.244.0.0/16',
  clusterDomain: 'cluster.local',
  controllers: [],
  scheduler: false,
  log: pino({ level: 'silent' }),
});
const { client } = controlPlane;

interface ExtenderRequest {
  Pod: Pod;
  NodeNames?: string[];
  NodeNameToMetaVictims?: Record<string, { Pods: { UID: string }[]; NumPDBViolations?: number }>;
}
/** By uid: what the extender heard first. */
const heard = new Map<string, Pick<Recorded, 'feasible' | 'victims'>>();
/** Uid → name, of pods on nodes. */
const placedNames = new Map<string, string>();

const extender = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const asked = JSON.parse(Buffer.concat(chunks).toString()) as ExtenderRequest;
  const uid = asked.Pod.metadata.uid ?? '';
  const record = heard.get(uid) ?? { feasible: [], victims: {} };
  heard.set(uid, record);
  let answer: unknown;
  if (request.url === '/filter') {
    if (record.feasible.length === 0) record.feasible = [...(asked.NodeNames ?? [])];
    answer = { NodeNames: [], FailedAndUnresolvableNodes: Object.fromEntries((asked.NodeNames ?? []).map((name) => [name, refusal])) };
  } else {
    if (Object.keys(record.victims).length === 0) {
      for (const [node, { Pods, NumPDBViolations = 0 }] of Object.entries(asked.NodeNameToMetaVictims ?? {})) {
        record.victims[node] = { pods: Pods.map(({ UID }) => placedNames.get(UID) ?? UID), violations: NumPDBViolations };
      }
    }
    answer = { NodeNameToMetaVictims: {} };
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
await new Promise<void>((resolve) => extender.listen(0, '127.0.0.1', resolve));
const extenderPort = (extender.address() as { port: number }).port;

const directory = mkdtempSync(join(tmpdir(), 'decisions-'));
writeFileSync(
  join(directory, 'kubeconfig'),
  kubeconfigText({ server: controlPlane.url, ca: pki.ca.certificate, user: 'admin', credentials: pki.leaves.admin }),
);
writeFileSync(
  join(directory, 'config.yaml'),
  `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: { leaderElect: false }
clientConnection: { kubeconfig: ${join(directory, 'kubeconfig')}, qps: 5000, burst: 5000, contentType: application/json }
percentageOfNodesToScore: 100
extenders:
- { urlPrefix: 'http://127.0.0.1:${extenderPort}', filterVerb: filter, preemptVerb: preempt, nodeCacheCapable: true }
`,
);
const scheduler = spawn(program, ['--config', join(directory, 'config.yaml'), '--secure-port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
let lastWords = '';
scheduler.stderr.on('data', (data: Buffer) => {
  lastWords = (lastWords + data.toString()).slice(-4_000);
});
scheduler.once('exit', (code) => {
  if (code) console.error(`the scheduler ended with ${code}:\n${lastWords}`);
});

const resource = <T extends KubeObject>(plural: string, group = ''): ResourceClient<T> =>
  client.resource<T>(builtinKinds.find((kind) => kind.plural === plural && kind.group === group)!);
const pods = resource<Pod>('pods');
const nodes = resource<Node>('nodes');

for (const one of namespaces) await resource('namespaces').create(one);
for (const { metadata } of namespaces) await resource('serviceaccounts').create({ metadata: { name: 'default', namespace: metadata.name } });
for (const value of priorities) {
  const classes = resource<PriorityClass>('priorityclasses', 'scheduling.k8s.io');
  await classes.create({ metadata: { name: `p-${value}` }, value });
  await classes.create({ metadata: { name: `p-${value}-never` }, value, preemptionPolicy: 'Never' });
}

async function createAll<T extends KubeObject & { status?: unknown }>(plural: string, group: string, objects: readonly T[]): Promise<void> {
  const of = resource<T>(plural, group);
  await Promise.all(
    objects.map(async (object) => {
      const made = await of.create(object);
      if (object.status) await of.updateStatus({ ...made, status: object.status });
    }),
  );
}

async function createPod(pod: Pod): Promise<Pod> {
  const { uid: _uid, deletionTimestamp, ...metadata } = pod.metadata;
  const made = await pods.create({ ...pod, metadata });
  if (pod.status) await pods.updateStatus({ ...made, status: { ...made.status, ...pod.status } });
  placedNames.set(made.metadata.uid!, pod.metadata.name);
  if (deletionTimestamp) await pods.delete(made.metadata.namespace!, made.metadata.name, { gracePeriodSeconds: 3600 });
  return made;
}

const kindsOf = (cluster: GeneratedCluster) =>
  [
    ['poddisruptionbudgets', 'policy', cluster.disruptionBudgets],
    ['storageclasses', 'storage.k8s.io', cluster.storageClasses],
    ['csidrivers', 'storage.k8s.io', cluster.csiDrivers],
    ['csinodes', 'storage.k8s.io', cluster.csiNodes],
    ['csistoragecapacities', 'storage.k8s.io', cluster.storageCapacities],
    ['persistentvolumes', '', cluster.volumes],
    ['persistentvolumeclaims', '', cluster.claims],
    ['deviceclasses', 'resource.k8s.io', cluster.deviceClasses],
    ['resourceslices', 'resource.k8s.io', cluster.resourceSlices],
  ] as const;

async function create(cluster: GeneratedCluster): Promise<Pod[]> {
  await Promise.all(
    cluster.nodes.map(async (node) => {
      const made = await nodes.create(node);
      const { metadata } = await nodes.updateStatus({ ...made, status: node.status ?? {} });
      // Admission puts a taint on every new node.
      await nodes.update({ ...made, metadata, spec: node.spec });
    }),
  );
  await Promise.all(kindsOf(cluster).map(([plural, group, objects]) => createAll<KubeObject>(plural, group, objects)));
  const there = new Map(await Promise.all([...cluster.placed, ...cluster.nominated].map(async (pod) => [pod.metadata.uid, await createPod(pod)] as const)));
  const bound = cluster.resourceClaims.map((claim) => ({
    ...claim,
    ...(claim.status
      ? {
          status: {
            ...claim.status,
            reservedFor: claim.status.reservedFor?.map((one) => ({ ...one, uid: there.get(one.uid)?.metadata.uid ?? one.uid })) ?? [],
          },
        }
      : {}),
  }));
  await createAll('resourceclaims', 'resource.k8s.io', bound as KubeObject[]);
  const gate = [{ name: 'example.com/wait' }];
  return Promise.all(cluster.waiting.map((pod) => createPod({ ...pod, spec: { ...pod.spec, schedulingGates: gate } })));
}

async function remove(cluster: GeneratedCluster): Promise<void> {
  await Promise.all(namespaces.map(({ metadata }) => pods.deleteCollection(metadata.name, { gracePeriodSeconds: 0 })));
  const release = async (plural: string, group: string, objects: readonly KubeObject[]): Promise<void> => {
    const of = resource(plural, group);
    await Promise.all(
      objects.map(async ({ metadata: { namespace = '', name } }) => {
        await of.patch(namespace, name, 'merge', { metadata: { finalizers: null } }).catch(() => {});
        await of.delete(namespace, name).catch(() => {});
      }),
    );
  };
  await Promise.all([
    ...kindsOf(cluster).map(([plural, group, objects]) => release(plural, group, objects)),
    release('resourceclaims', 'resource.k8s.io', cluster.resourceClaims),
    release('nodes', '', cluster.nodes),
  ]);
}

async function outcome({ metadata: { namespace = '', name, uid = '' } }: Pod): Promise<Recorded> {
  for (const deadline = Date.now() + 30_000; ; await sleep(10)) {
    const { status } = await pods.get(namespace, name);
    const condition = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (condition?.message && condition.reason !== 'SchedulingGated') return { feasible: [], victims: {}, ...heard.get(uid), message: condition.message };
    if (Date.now() > deadline) throw new Error(`no decision on ${name}\n${lastWords}`);
  }
}

try {
  const first = Number(values.first);
  for (let seed = first; seed < first + Number(values.clusters); seed++) {
    const cluster = generateCluster(seed);
    const waiting = await create(cluster);
    await sleep(settleMs);
    await Promise.all(waiting.map(({ metadata }) => pods.patch(metadata.namespace!, metadata.name, 'merge', { spec: { schedulingGates: null } })));
    for (const [index, pod] of waiting.entries()) {
      const record = await outcome(pod);
      console.log(formatRecord(seed, index, record, cluster, values.verbose));
    }
    await remove(cluster);
    heard.clear();
    placedNames.clear();
  }
} finally {
  scheduler.kill();
  extender.close();
  await controlPlane.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
