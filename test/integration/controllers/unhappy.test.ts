/** Objects that can't be made happy: each says why, as upstream's controllers do, and costs next to nothing while it waits. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { validatingwebhookconfigurations } from '../../../src/api/admissionregistration/v1/validatingwebhookconfiguration.ts';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import { horizontalpodautoscalers } from '../../../src/api/autoscaling/v2/horizontalpodautoscaler.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { events } from '../../../src/api/core/v1/event.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { persistentvolumes } from '../../../src/api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { resourcequotas } from '../../../src/api/core/v1/resourcequota.ts';
import { serviceaccounts } from '../../../src/api/core/v1/serviceaccount.ts';
import { poddisruptionbudgets } from '../../../src/api/policy/v1/poddisruptionbudget.ts';
import type { Client } from '../../../src/client/client.ts';
import { createInProcessTransport } from '../../../src/client/inprocess.ts';
import { createClient } from '../../../src/client/rest.ts';
import type { Transport } from '../../../src/client/transport.ts';
import { controllers } from '../../../src/controllers/index.ts';
import { type RunningManager, runControllers } from '../../../src/controllers/manager.ts';
import { selectControllers } from '../../../src/controllers/selection.ts';
import { defaultLifetime } from '../../../src/simulation/model.ts';
import { defaultResources } from '../../../src/simulation/nodes.ts';
import { type RunningSimulation, startSimulation } from '../../../src/simulation/simulator.ts';
import { startTestControlPlane, type TestControlPlane } from '../../support/controlplane.ts';
import { eventually, workload } from './harness.ts';

let cluster: TestControlPlane;
let manager: RunningManager;
let simulation: RunningSimulation;
let client: Client;
/** Of the controllers' requests, watches aside: method, path, and who. */
const requests: string[] = [];

const connect = (username: string): Transport => createInProcessTransport(cluster.controlPlane.server.handle, { username, groups: ['system:masters'] });

function counted(identity: string): Client {
  const transport = connect(identity);
  return createClient({
    request(request) {
      if (!request.path.includes('watch=')) requests.push(`${identity}: ${request.method} ${request.path}`);
      return transport.request(request);
    },
    close: () => transport.close(),
  });
}

before(async () => {
  cluster = await startTestControlPlane({ scheduler: true });
  client = createClient(connect('admin'));
  manager = runControllers({
    definitions: selectControllers(['*'], controllers),
    client: counted('manager'),
    clientFor: counted,
    settings: {},
    log: pino({ level: 'silent' }),
    // A clock that has jumped a day ahead of everybody's.
    now: () => new Date(Date.now() + 86_400_000),
  });
  const lifetime = { ...defaultLifetime, jobRunTimeMs: 3_600_000 };
  [simulation] = await Promise.all([
    startSimulation({
      transport: connect('simulation'),
      nodes: 2,
      shape: { resources: defaultResources, taint: false },
      lifetime,
      log: pino({ level: 'silent' }),
    }),
    manager.ready,
  ]);
});
after(async () => {
  await simulation.stop();
  await manager.stop();
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

async function inNamespace(name: string): Promise<string> {
  await client.resource(namespaces).create({ metadata: { name }, spec: {} });
  await eventually(
    () =>
      client
        .resource(serviceaccounts)
        .get(name, 'default')
        .catch(() => undefined),
    `the account of ${name}`,
  );
  return name;
}

const eventOf = (namespace: string, reason: string, text: RegExp): Promise<unknown> =>
  eventually(
    async () => (await client.resource(events).list(namespace)).items.some((event) => event.reason === reason && text.test(event.message ?? '')),
    `event ${reason} in ${namespace}`,
  );

async function refusedDeployment(namespace: string, text: RegExp): Promise<void> {
  await client.resource(deployments).create({ metadata: { name: 'web', namespace }, spec: { replicas: 2, ...workload('web') } });
  await eventually(async () => {
    const { status } = await client.resource(deployments).get(namespace, 'web');
    return status?.conditions?.some(
      ({ type, status: value, reason, message }) => type === 'ReplicaFailure' && value === 'True' && reason === 'FailedCreate' && text.test(message ?? ''),
    );
  }, `the Deployment in ${namespace} says why`);
  await eventOf(namespace, 'FailedCreate', text);
}

test('a quota that is exhausted', async () => {
  const namespace = await inNamespace('quota');
  await client.resource(resourcequotas).create({ metadata: { name: 'none', namespace }, spec: { hard: { pods: '0' } } });
  await eventually(async () => (await client.resource(resourcequotas).get(namespace, 'none')).status?.hard?.['pods'] === '0', 'the quota is known');
  await refusedDeployment(namespace, /exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0/);
});

test('a webhook that lets no pod in', async () => {
  const namespace = await inNamespace('webhook');
  const webhook = {
    name: 'no.example.com',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    clientConfig: { url: 'https://127.0.0.1:1/no' },
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
  };
  await client.resource(validatingwebhookconfigurations).create({ metadata: { name: 'no' }, webhooks: [webhook] });
  await refusedDeployment(namespace, /failed calling webhook "no\.example\.com"/);
});

test('a selector that matches what another has: each keeps its own', async () => {
  const namespace = await inNamespace('overlap');
  for (const name of ['one', 'two']) await client.resource(replicasets).create({ metadata: { name, namespace }, spec: { replicas: 2, ...workload('web') } });
  for (const name of ['one', 'two'])
    await eventually(async () => (await client.resource(replicasets).get(namespace, name)).status?.readyReplicas === 2, `${name} has its pods`);
  assert.equal((await client.resource(pods).list(namespace)).items.length, 4);
});

test('a Job whose pods are deleted by hand', async () => {
  const namespace = await inNamespace('job');
  const template = { metadata: { name: '' }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work' }] } };
  await client.resource(jobs).create({ metadata: { name: 'work', namespace }, spec: { completions: 2, parallelism: 2, template } });
  const job = () => client.resource(jobs).get(namespace, 'work');
  await eventually(async () => (await job()).status?.active === 2, 'two run');
  const first = (await client.resource(pods).list(namespace)).items;
  for (const { metadata } of first) await client.resource(pods).delete(namespace, metadata.name);
  await eventually(async () => (await job()).status?.failed === 2, 'both count as failed, once');
  await eventually(
    async () => (await client.resource(pods).list(namespace)).items.every(({ metadata }) => !first.some((old) => old.metadata.uid === metadata.uid)),
    'they are gone',
  );
});

test('a StatefulSet whose claim has lost its volume', async () => {
  const namespace = await inNamespace('claims');
  const claim = { accessModes: ['ReadWriteOnce'], storageClassName: 'manual', resources: { requests: { storage: '1Gi' } } };
  await client.resource(persistentvolumes).create({
    metadata: { name: 'disk' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'manual',
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/tmp/none' },
    },
  });
  await client.resource(statefulsets).create({
    metadata: { name: 'db', namespace },
    spec: { serviceName: 'db', replicas: 1, ...workload('db'), volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }] },
  });
  const phase = async (): Promise<string | undefined> =>
    client
      .resource(persistentvolumeclaims)
      .get(namespace, 'data-db-0')
      .then(
        ({ status }) => status?.phase,
        () => undefined,
      );
  await eventually(async () => (await phase()) === 'Bound', 'the claim is bound');
  await client.resource(persistentvolumes).patch('', 'disk', 'merge', { metadata: { finalizers: null } });
  await client.resource(persistentvolumes).delete('', 'disk');
  // Its finalizer may have come back before it went.
  await eventually(async () => {
    await client
      .resource(persistentvolumes)
      .patch('', 'disk', 'merge', { metadata: { finalizers: null } })
      .catch(() => {});
    return (await phase()) === 'Lost';
  }, 'the claim is lost');
  await eventOf(namespace, 'ClaimLost', /Data on the volume is lost!/);
});

test('a budget that allows nothing', async () => {
  const namespace = await inNamespace('budget');
  await client.resource(replicasets).create({ metadata: { name: 'web', namespace }, spec: { replicas: 1, ...workload('web') } });
  await client
    .resource(poddisruptionbudgets)
    .create({ metadata: { name: 'web', namespace }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } });
  await eventually(async () => {
    const { status } = await client.resource(poddisruptionbudgets).get(namespace, 'web');
    return (
      status?.currentHealthy === 1 &&
      status.disruptionsAllowed === 0 &&
      status.conditions?.some(({ type, status: value, reason }) => type === 'DisruptionAllowed' && value === 'False' && reason === 'InsufficientPods')
    );
  }, 'it says that it allows none');
});

test('an autoscaler without metrics', async () => {
  const namespace = await inNamespace('autoscaler');
  await client.resource(deployments).create({ metadata: { name: 'web', namespace }, spec: { replicas: 1, ...workload('web') } });
  await client.resource(horizontalpodautoscalers).create({
    metadata: { name: 'web', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      maxReplicas: 3,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    },
  });
  await eventually(async () => {
    const { status } = await client.resource(horizontalpodautoscalers).get(namespace, 'web');
    return status?.conditions?.some(({ type, status: value, reason }) => type === 'ScalingActive' && value === 'False' && reason === 'FailedGetResourceMetric');
  }, 'it says that it has none');
  await eventOf(namespace, 'FailedGetResourceMetric', /unable to get metrics for resource cpu/);
});

test('a finalizer that nobody removes, on an object of a namespace that goes, and on a pod of a Deployment that goes', async () => {
  const namespace = await inNamespace('finalizer');
  await client.resource(configmaps).create({ metadata: { name: 'held', namespace, finalizers: ['example.com/never'] } });
  await client.resource(namespaces).delete('', namespace);
  await eventually(async () => {
    const { status } = await client.resource(namespaces).get('', namespace);
    return status?.conditions?.some(
      ({ type, status: value, reason, message }) =>
        type === 'NamespaceFinalizersRemaining' &&
        value === 'True' &&
        reason === 'SomeFinalizersRemain' &&
        /example\.com\/never in 1 resource instances/.test(message ?? ''),
    );
  }, 'it says what keeps it');
  const other = await inNamespace('foreground');
  const { selector, template } = workload('held');
  const held = { ...template, metadata: { ...template.metadata, finalizers: ['example.com/never'] } };
  await client.resource(deployments).create({ metadata: { name: 'held', namespace: other }, spec: { replicas: 1, selector, template: held } });
  await eventually(async () => (await client.resource(pods).list(other)).items.length === 1, 'it has its pod');
  await client.resource(deployments).delete(other, 'held', { propagationPolicy: 'Foreground' });
  await eventually(async () => (await client.resource(pods).list(other)).items.every(({ metadata }) => metadata.deletionTimestamp), 'the pod is to go');
  assert.deepEqual((await client.resource(deployments).get(other, 'held')).metadata.finalizers, ['foregroundDeletion']);
});

test('a node that flaps is tainted while it is not ready, and loses no pod that tolerates it', async () => {
  const namespace = await inNamespace('flaps');
  await client.resource(replicasets).create({ metadata: { name: 'web', namespace }, spec: { replicas: 4, ...workload('web') } });
  await eventually(async () => (await client.resource(replicasets).get(namespace, 'web')).status?.readyReplicas === 4, 'four run');
  const uids = async (): Promise<string[]> => (await client.resource(pods).list(namespace)).items.map(({ metadata }) => metadata.uid ?? '').sort();
  const before = await uids();
  const ready = async (): Promise<boolean> => {
    const { spec, status } = await client.resource(nodes).get('', 'fake-1');
    const tainted = spec.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready') ?? false;
    return !tainted && (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false);
  };
  for (let flap = 0; flap < 5; flap++) {
    const conditions = [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'it flaps' }];
    await client.resource(nodes).patch('', 'fake-1', 'strategic', { status: { conditions } }, { subresource: 'status' });
    // The simulated kubelet says at once that all is well again.
    await eventually(ready, 'it is back');
  }
  assert.deepEqual(await uids(), before);
});

test('all of them together cost less than a request a second each', async () => {
  const seconds = 4;
  const unhappy = 10;
  // The first retries of each are behind it when nothing much comes any more.
  await eventually(
    async () => {
      const before = requests.length;
      await sleep(100);
      return requests.length - before <= 2;
    },
    'it becomes quiet',
    20_000,
  );
  const from = requests.length;
  for (let slept = 0; slept < seconds * 10; slept++) await sleep(100);
  const seen = requests.slice(from);
  assert.ok(seen.length < seconds * unhappy, `${seen.length} requests in ${seconds} s:\n${seen.join('\n')}`);
});
