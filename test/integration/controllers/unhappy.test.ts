/** Objects that can't be made happy: each says why, as upstream's controllers do, and costs next to nothing while it waits. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import { horizontalpodautoscalers } from '../../../src/api/autoscaling/v2/horizontalpodautoscaler.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { persistentvolumes } from '../../../src/api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { resourcequotas } from '../../../src/api/core/v1/resourcequota.ts';
import { poddisruptionbudgets } from '../../../src/api/policy/v1/poddisruptionbudget.ts';
import type { StatusError } from '../../../src/apimachinery/errors.ts';
import type { Client } from '../../../src/client/client.ts';
import { eventually, workload } from './harness.ts';
import { startUnhappyCluster, type UnhappyCluster } from './unhappycluster.ts';

let place: UnhappyCluster;
let client: Client;
before(async () => {
  place = await startUnhappyCluster();
  client = place.client;
});
after(() => place?.[Symbol.asyncDispose]());

const inNamespace = (name: string): Promise<string> => place.inNamespace(name);
const eventOf = (namespace: string, reason: string, text: RegExp | string): Promise<void> => place.eventOf(namespace, reason, text);

const autoscaling = {
  scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  maxReplicas: 3,
  metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
};

const evict = (namespace: string, name: string): Promise<unknown> =>
  client.resource(pods).subresource('POST', namespace, name, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } });

/** `why`: what the API server says about a pod, after its name. */
async function refusedDeployment(namespace: string, why: string): Promise<void> {
  const text = new RegExp(`^${why}$`);
  await client.resource(deployments).create({ metadata: { name: 'web', namespace }, spec: { replicas: 2, ...workload('web') } });
  await eventually(async () => {
    const { status } = await client.resource(deployments).get(namespace, 'web');
    return status?.conditions?.some(
      ({ type, status: value, reason, message }) => type === 'ReplicaFailure' && value === 'True' && reason === 'FailedCreate' && text.test(message ?? ''),
    );
  }, `the Deployment in ${namespace} says why`);
  await eventOf(namespace, 'FailedCreate', new RegExp(`^Error creating: ${why}$`));
}

test('a quota that is exhausted', async () => {
  const namespace = await inNamespace('quota');
  await client.resource(resourcequotas).create({ metadata: { name: 'none', namespace }, spec: { hard: { pods: '0' } } });
  await eventually(async () => (await client.resource(resourcequotas).get(namespace, 'none')).status?.hard?.['pods'] === '0', 'the quota is known');
  await refusedDeployment(namespace, String.raw`pods "web-\w+-\w{5}" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0`);
});

test("a webhook that can't be reached", async () => {
  const namespace = await inNamespace('webhook');
  await place.webhookFor(namespace, { url: 'https://127.0.0.1:1/no' });
  await refusedDeployment(
    namespace,
    String.raw`Internal error occurred: failed calling webhook "no\.example\.com": failed to call webhook: Post "https://127\.0\.0\.1:1/no\?timeout=10s": .*refused`,
  );
});

test('a webhook that lets no pod in', async () => {
  const namespace = await inNamespace('denied');
  await place.webhookFor(namespace, await place.startRejectingWebhook('no pods here'));
  await refusedDeployment(namespace, String.raw`admission webhook "no\.example\.com" denied the request: no pods here`);
});

test('a selector that matches what another has: each keeps its own', async () => {
  const namespace = await inNamespace('overlap');
  for (const name of ['one', 'two']) await client.resource(replicasets).create({ metadata: { name, namespace }, spec: { replicas: 2, ...workload('web') } });
  for (const name of ['one', 'two'])
    await eventually(async () => (await client.resource(replicasets).get(namespace, name)).status?.readyReplicas === 2, `${name} has its pods`);
  assert.equal((await client.resource(pods).list(namespace)).items.length, 4);
});

test('two budgets and two autoscalers for the same pods', async () => {
  const namespace = await inNamespace('rivals');
  await client.resource(deployments).create({ metadata: { name: 'web', namespace }, spec: { replicas: 1, ...workload('web') } });
  for (const name of ['one', 'two']) {
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
    await client.resource(poddisruptionbudgets).create({ metadata: { name, namespace }, spec });
    await client.resource(horizontalpodautoscalers).create({ metadata: { name, namespace }, spec: autoscaling });
  }
  await eventOf(namespace, 'AmbiguousSelector', /^pods by selector app=web are controlled by multiple HPAs: \[rivals\/(one|two) rivals\/(one|two)\]$/);
  await eventually(async () => {
    const { items } = await client.resource(horizontalpodautoscalers).list(namespace);
    return items.some(({ status }) =>
      status?.conditions?.some(({ type, status: value, reason }) => type === 'ScalingActive' && value === 'False' && reason === 'AmbiguousSelector'),
    );
  }, 'the autoscaler says so');
  const [pod] = (await client.resource(pods).list(namespace)).items;
  const { name = '' } = pod?.metadata ?? {};
  // What changes makes the controller look, and it sees two of them now.
  await client.resource(pods).patch(namespace, name, 'merge', { metadata: { labels: { seen: 'yes' } } });
  await eventOf(
    namespace,
    'MultiplePodDisruptionBudgets',
    new RegExp(`^Pod "rivals"/"${name}" matches multiple PodDisruptionBudgets\\.  Chose "(one|two)" arbitrarily\\.$`),
  );
  await assert.rejects(evict(namespace, name), {
    message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  });
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
  await client.resource(jobs).create({ metadata: { name: 'strict', namespace }, spec: { backoffLimit: 0, template } });
  const only = await eventually(
    async () => (await client.resource(pods).list(namespace, { labelSelector: 'job-name=strict' })).items[0]?.metadata.name,
    'the pod of one that takes no failure',
  );
  await client.resource(pods).delete(namespace, only);
  const text = 'Job has reached the specified backoff limit';
  await eventually(async () => {
    const { status } = await client.resource(jobs).get(namespace, 'strict');
    return status?.conditions?.some(
      ({ type, status: value, reason, message }) => type === 'Failed' && value === 'True' && reason === 'BackoffLimitExceeded' && message === text,
    );
  }, 'it has failed');
  await eventOf(namespace, 'BackoffLimitExceeded', text);
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
  await eventOf(namespace, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  // A pod that has it open goes on; the next one can't be placed.
  const pod = () => client.resource(pods).get(namespace, 'db-0');
  const { uid } = (await pod()).metadata;
  await client.resource(pods).delete(namespace, 'db-0');
  const why = 'persistentvolumeclaim "data-db-0" bound to non-existent persistentvolume "disk"';
  await eventually(async () => {
    const found = await pod().catch(() => undefined);
    const unplaced = found?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return found?.metadata.uid !== uid && unplaced?.reason === 'Unschedulable' && unplaced.message?.startsWith(`0/2 nodes are available: ${why}.`);
  }, 'the next pod says why it waits');
  await eventOf(namespace, 'FailedScheduling', new RegExp(why));
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
  const [pod] = (await client.resource(pods).list(namespace)).items;
  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(evict(namespace, pod?.metadata.name ?? ''), (error: StatusError) => {
      assert.equal(error.code, 429);
      assert.equal(error.message, "Cannot evict pod as it would violate the pod's disruption budget.");
      const message = 'The disruption budget web needs 1 healthy pods and has 1 currently';
      assert.deepEqual(error.status.details?.causes, [{ reason: 'DisruptionBudget', message }]);
      return true;
    });
  }
  assert.equal((await client.resource(pods).list(namespace)).items[0]?.metadata.uid, pod?.metadata.uid);
});

test('an autoscaler without metrics', async () => {
  const namespace = await inNamespace('autoscaler');
  await client.resource(deployments).create({ metadata: { name: 'web', namespace }, spec: { replicas: 1, ...workload('web') } });
  await client.resource(horizontalpodautoscalers).create({ metadata: { name: 'web', namespace }, spec: autoscaling });
  const why =
    'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)';
  await eventually(async () => {
    const { status } = await client.resource(horizontalpodautoscalers).get(namespace, 'web');
    return status?.conditions?.some(
      ({ type, status: value, reason, message }) =>
        type === 'ScalingActive' &&
        value === 'False' &&
        reason === 'FailedGetResourceMetric' &&
        message === `the HPA was unable to compute the replica count: ${why}`,
    );
  }, 'it says that it has none');
  await eventOf(namespace, 'FailedGetResourceMetric', why);
  await eventOf(
    namespace,
    'FailedComputeMetricsReplicas',
    `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
  );
});

test('a finalizer that nobody removes, on an object of a namespace that goes, and on a pod of a Deployment that goes', async () => {
  const namespace = await inNamespace('finalizer');
  await client.resource(configmaps).create({ metadata: { name: 'held', namespace, finalizers: ['example.com/never'] } });
  await client.resource(namespaces).delete('', namespace);
  const said = async (): Promise<string[]> =>
    ((await client.resource(namespaces).get('', namespace)).status?.conditions ?? [])
      .filter(({ status }) => status === 'True')
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  const remaining = 'NamespaceFinalizersRemaining SomeFinalizersRemain: Some content in the namespace has finalizers remaining: ';
  await eventually(async () => (await said()).includes(`${remaining}example.com/never in 1 resource instances`), 'it says what keeps it');
  await eventually(
    async () => (await said()).includes('NamespaceContentRemaining SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances'),
    'and what is left',
  );
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

test('none of them costs more than a request a second, while the clock jumps by a day to and fro', async () => {
  const { requests, unhappy } = place;
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
  const began = performance.now();
  for (let slept = 0; slept < 40; slept++) {
    if (slept % 8 === 0) place.setClock([86_400_000, -86_400_000, 0][(slept / 8) % 3] as number);
    await sleep(100);
  }
  const seconds = (performance.now() - began) / 1000;
  const seen = requests.slice(from);
  const about = (request: string): string => [...unhappy].find((name) => request.includes(`/${name}/`) || request.endsWith(`/${name}`)) ?? 'the cluster';
  // Whoever looks every fifteen seconds says several things then.
  for (const [name, own] of Map.groupBy(seen, about)) {
    assert.ok(own.length <= Math.max(seconds, 8), `${name}: ${own.length} in ${seconds} s:\n${own.join('\n')}`);
  }
  assert.ok(seen.length < seconds * unhappy.size, `${seen.length} requests in ${seconds} s:\n${seen.join('\n')}`);
});
