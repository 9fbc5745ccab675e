/** Simulated nodes beside every controller and the scheduler, through authentication, RBAC and NodeRestriction. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { leases } from '../../../src/api/coordination/v1/lease.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import type { Pod } from '../../../src/api/core/v1/types.gen.ts';
import { isNotFound } from '../../../src/apimachinery/errors.ts';
import type { Client } from '../../../src/client/client.ts';
import { createInProcessTransport } from '../../../src/client/inprocess.ts';
import { createClient } from '../../../src/client/rest.ts';
import { defaultLifetime } from '../../../src/simulation/model.ts';
import { defaultResources } from '../../../src/simulation/nodes.ts';
import { type RunningSimulation, startSimulation } from '../../../src/simulation/simulator.ts';
import { root } from '../../e2e/cluster.ts';
import { startTestControlPlane, type TestControlPlane } from '../../support/controlplane.ts';
import { eventually, workload } from './harness.ts';

let cluster: TestControlPlane;
let simulation: RunningSimulation;
let client: Client;
const transportOf = (): ReturnType<typeof createInProcessTransport> =>
  createInProcessTransport(cluster.controlPlane.server.handle, { username: 'simulation', groups: ['system:masters'] });
const simulate = (taint = false): Promise<RunningSimulation> =>
  startSimulation({
    transport: transportOf(),
    nodes: 3,
    shape: { resources: defaultResources, taint },
    lifetime: { ...defaultLifetime, jobRunTimeMs: 10 },
    log: pino({ level: 'silent' }),
  });

before(async () => {
  cluster = await startTestControlPlane({ controllers: ['*'], scheduler: true });
  client = createClient(createInProcessTransport(cluster.controlPlane.server.handle, { username: 'admin', groups: ['system:masters'] }));
  simulation = await simulate();
});
after(async () => {
  await simulation.stop();
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

const podsOf = async (labelSelector: string): Promise<Pod[]> => (await client.resource(podKind).list('default', { labelSelector })).items;
const condition = (pod: Pod | undefined, type: string): string | undefined => pod?.status?.conditions?.find((one) => one.type === type)?.status;
const get = (name: string): Promise<Pod | undefined> =>
  client
    .resource(podKind)
    .get('default', name)
    .catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
const pod = (name: string, annotations: Record<string, string> = {}, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, namespace: 'default', annotations },
  spec: { nodeName: 'fake-1', containers: [{ name: 'main', image: 'work' }], ...spec },
});

test('nodes join, are known as simulated, keep their leases, and lose the taints of new nodes', async () => {
  const ready = await eventually(async () => {
    const { items } = await client.resource(nodes).list('', { labelSelector: 'knarr.dev/simulated=true' });
    return items.length === 3 && items.every(({ spec }) => !spec.taints?.length) && items;
  }, 'three nodes without taints');
  assert.deepEqual(ready.map(({ spec }) => spec.podCIDR).sort(), ['100.64.0.0/24', '100.64.1.0/24', '100.64.2.0/24']);
  assert.equal(ready[0]?.status?.allocatable?.cpu, '32');
  await eventually(async () => (await client.resource(leases).list('kube-node-lease')).items.length === 3, 'a lease for each');
});

test('a Deployment becomes available with addresses out of its nodes ranges, and goes when it is deleted', async () => {
  await client.resource(deployments).create({ metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 6, ...workload('web') } });
  await eventually(async () => (await client.resource(deployments).get('default', 'web')).status?.availableReplicas === 6, 'six available');
  const running = await podsOf('app=web');
  const addresses = running.map(({ status }) => status?.podIP ?? '');
  assert.equal(new Set(addresses).size, 6);
  for (const address of addresses) assert.match(address, /^100\.64\.[012]\.\d+$/);
  assert.equal(running[0]?.status?.containerStatuses?.[0]?.state?.running !== undefined, true);
  await client.resource(deployments).delete('default', 'web', { propagationPolicy: 'Background' });
  await eventually(async () => (await podsOf('app=web')).length === 0, 'no pod is left');
});

test('a Job runs to its end, and one whose pods say that they fail does not', async () => {
  const job = (name: string, annotations: Record<string, string>) => ({
    metadata: { name, namespace: 'default' },
    spec: {
      completions: 4,
      parallelism: 4,
      backoffLimit: 0,
      template: { metadata: { name: '', annotations }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work' }] } },
    },
  });
  await client.resource(jobs).create(job('good', {}));
  await client.resource(jobs).create(job('bad', { 'knarr.dev/exit-code': '3' }));
  const ended = (name: string, type: string): Promise<unknown> =>
    eventually(
      async () => (await client.resource(jobs).get('default', name)).status?.conditions?.some((one) => one.type === type && one.status === 'True'),
      `${name} is ${type}`,
    );
  await ended('good', 'Complete');
  await ended('bad', 'Failed');
  assert.equal((await client.resource(jobs).get('default', 'good')).status?.succeeded, 4);
  const failed = (await podsOf('job-name=bad')).find(({ status }) => status?.phase === 'Failed');
  assert.equal(failed?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
});

test('annotations say how long a pod starts and runs; one that is restarted backs off', async () => {
  await client.resource(podKind).create(pod('late', { 'knarr.dev/start-delay': '1h' }));
  await client.resource(podKind).create(pod('crash', { 'knarr.dev/run-time': '1ms', 'knarr.dev/exit-code': '1' }));
  await client.resource(podKind).create(pod('batch', { 'knarr.dev/run-time': '1ms' }, { restartPolicy: 'OnFailure' }));
  await eventually(async () => (await get('batch'))?.status?.phase === 'Succeeded', 'it has run');
  const crashing = await eventually(async () => {
    const one = await get('crash');
    return one?.status?.containerStatuses?.[0]?.state?.waiting && one;
  }, 'it crashed');
  assert.equal(crashing.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'CrashLoopBackOff');
  assert.equal(crashing.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 1);
  assert.equal(condition(crashing, 'Ready'), 'False');
  assert.equal((await get('late'))?.status?.phase, 'Pending');
});

test('a pod with a finalizer ends before it goes; readiness gates are minded', async () => {
  const held = { ...pod('held'), metadata: { ...pod('held').metadata, finalizers: ['example.com/hold'] } };
  await client.resource(podKind).create(held);
  await client.resource(podKind).create(pod('gated', {}, { readinessGates: [{ conditionType: 'example.com/open' }] }));
  await eventually(async () => condition(await get('held'), 'Ready') === 'True', 'it runs');
  await client.resource(podKind).delete('default', 'held');
  await eventually(async () => (await get('held'))?.status?.phase === 'Failed', 'it has ended');
  await client.resource(podKind).patch('default', 'held', 'merge', { metadata: { finalizers: null } });
  await eventually(async () => (await get('held')) === undefined, 'it is gone');
  await eventually(async () => condition(await get('gated'), 'ContainersReady') === 'True', 'the gated one runs');
  assert.equal(condition(await get('gated'), 'Ready'), 'False');
  const conditions = [{ type: 'example.com/open', status: 'True' }];
  await client.resource(podKind).patch('default', 'gated', 'strategic', { status: { conditions } }, { subresource: 'status' });
  await eventually(async () => condition(await get('gated'), 'Ready') === 'True', 'the gate is open');
});

test('a node that somebody makes with the label is simulated; one that is down does nothing until it is back', async () => {
  await client.resource(nodes).create({ metadata: { name: 'own', labels: { 'knarr.dev/simulated': 'true' } }, spec: {} });
  await eventually(
    async () => (await client.resource(nodes).get('', 'own')).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    'the node is ready',
  );
  await client.resource(nodes).patch('', 'own', 'merge', { metadata: { annotations: { 'knarr.dev/down': 'true' } } });
  await client.resource(podKind).create(pod('there', {}, { nodeName: 'own' }));
  // Another pod's whole way shows that this one's turn would have come.
  await client.resource(podKind).create(pod('here'));
  await eventually(async () => condition(await get('here'), 'Ready') === 'True', 'the other runs');
  assert.equal((await get('there'))?.status?.phase, 'Pending');
  await client.resource(nodes).patch('', 'own', 'merge', { metadata: { annotations: { 'knarr.dev/down': null } } });
  await eventually(async () => condition(await get('there'), 'Ready') === 'True', 'it runs when the node is back');
});

test('a simulation that starts anew takes its pods as they are', async () => {
  await client.resource(podKind).create(pod('stays'));
  const before = await eventually(async () => {
    const one = await get('stays');
    return condition(one, 'Ready') === 'True' && one;
  }, 'it runs');
  await simulation.stop();
  await client.resource(podKind).create(pod('new'));
  simulation = await simulate();
  const fresh = await eventually(async () => {
    const one = await get('new');
    return condition(one, 'Ready') === 'True' && one;
  }, 'the new one runs');
  const now = await get('stays');
  assert.equal(now?.metadata.resourceVersion, before.metadata.resourceVersion);
  assert.notEqual(now?.status?.podIP, fresh.status?.podIP);
});

test('a process of simulated nodes that is there before its server waits for it', async () => {
  await simulation.stop();
  const { port } = new URL(cluster.controlPlane.url);
  let callers = 0;
  const door = createServer((socket) => {
    // Not a connection that breaks: those are tried again at once.
    if (++callers <= 2) return void socket.end('no server yet');
    const onward = connect(Number(port), '127.0.0.1');
    pipeline(socket, onward, socket, () => {});
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const file = join(cluster.directory, 'door.kubeconfig');
  writeFileSync(file, readFileSync(cluster.kubeconfig, 'utf8').replace(`:${port}\n`, `:${(door.address() as AddressInfo).port}\n`));
  const child = spawn(join(root, 'knarr'), ['fake-nodes', '--kubeconfig', file, '--count', '4'], { stdio: 'ignore' });
  try {
    await eventually(async () => (await client.resource(nodes).list('')).items.some(({ metadata }) => metadata.name === 'fake-4'), 'the fourth node is there');
    assert.ok(callers > 2);
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    door.close();
    simulation = await simulate();
  }
});
