import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import type { ReplicaSet } from '../../../src/api/apps/v1/types.gen.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { replicationcontrollers } from '../../../src/api/core/v1/replicationcontroller.ts';
import { forbidden } from '../../../src/apimachinery/errors.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { replicationController } from '../../../src/controllers/replicaset/replicationcontroller.ts';
import { eventually, runningStatus, startCluster, workload } from './harness.ts';

const controllers = [replicaSetController, replicationController];
const replicaSet = (name: string, replicas: number): ReplicaSet => ({ metadata: { name, namespace: 'default' }, spec: { replicas, ...workload(name) } });

test('a ReplicaSet gets its pods, replaces a deleted one, and is scaled up and down', async () => {
  await using cluster = await startCluster({ controllers });
  const sets = cluster.client.resource(replicasets);
  const created = await sets.create(replicaSet('web', 3));
  const ready = (count: number) =>
    eventually(async () => {
      const { status } = await sets.get('default', 'web');
      return status?.replicas === count && (status.availableReplicas ?? 0) === count && status;
    }, `${count} available replicas`);
  const status = await ready(3);
  assert.equal(status.fullyLabeledReplicas, 3);
  assert.equal(status.observedGeneration, created.metadata.generation);

  const [first] = await cluster.pods('app=web');
  assert.match(first!.metadata.name, /^web-[a-z0-9]{5}$/);
  const { apiVersion, kind, name, uid, controller, blockOwnerDeletion } = first!.metadata.ownerReferences![0]!;
  assert.deepEqual([apiVersion, kind, name, uid, controller, blockOwnerDeletion], ['apps/v1', 'ReplicaSet', 'web', created.metadata.uid, true, true]);
  await cluster.client.resource(podKind).delete('default', first!.metadata.name);
  await eventually(async () => {
    const found = (await cluster.pods('app=web')).filter((pod) => !pod.metadata.deletionTimestamp);
    return found.length === 3 && found.every((pod) => pod.metadata.uid !== first!.metadata.uid);
  }, 'a new pod');
  await ready(3);

  await sets.patch('default', 'web', 'merge', { spec: { replicas: 20 } });
  await ready(20);
  await sets.patch('default', 'web', 'merge', { spec: { replicas: 1 } });
  await ready(1);
  const events = await eventually(async () => {
    const found = await cluster.events('web');
    return found.some((text) => text.startsWith('SuccessfulDelete Deleted pod: web-')) && found;
  }, 'events');
  assert.ok(events.some((text) => text.startsWith('SuccessfulCreate Created pod: web-')));
});

test('pods are adopted by labels and released when the labels change', async () => {
  await using cluster = await startCluster({ controllers });
  const pods = cluster.client.resource(podKind);
  const orphan = await pods.create({ metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } }, spec: workload('web').template.spec });
  const set = await cluster.client.resource(replicasets).create(replicaSet('web', 2));
  await eventually(async () => {
    const found = await cluster.pods('app=web');
    return found.length === 2 && found.every((pod) => pod.metadata.ownerReferences?.[0]?.uid === set.metadata.uid);
  }, 'two pods, one of them adopted');
  await pods.patch('default', 'orphan', 'merge', { metadata: { labels: { app: 'other' } } });
  await eventually(async () => (await pods.get('default', 'orphan')).metadata.ownerReferences === undefined, 'the release');
  await eventually(async () => (await cluster.pods('app=web')).length === 2, 'a replacement');
  assert.equal((await pods.get('default', 'orphan')).metadata.uid, orphan.metadata.uid);
});

test('pods that cost least to delete, and those that are not ready, go first', async () => {
  await using cluster = await startCluster({
    controllers,
    kubelet: (pod) => (pod.metadata.annotations?.['ready'] === 'no' ? { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } : runningStatus()),
  });
  const pods = cluster.client.resource(podKind);
  const make = (name: string, annotations: Record<string, string>) =>
    pods.create({ metadata: { name, namespace: 'default', labels: { app: 'web' }, annotations }, spec: workload('web').template.spec });
  await make('dear', { 'controller.kubernetes.io/pod-deletion-cost': '100' });
  await make('plain', {});
  await make('cheap', { 'controller.kubernetes.io/pod-deletion-cost': '-5' });
  await make('unready', { ready: 'no', 'controller.kubernetes.io/pod-deletion-cost': '1000' });
  const sets = cluster.client.resource(replicasets);
  await sets.create(replicaSet('web', 4));
  await eventually(async () => (await sets.get('default', 'web')).status?.readyReplicas === 3, 'adoption');
  for (const [replicas, left] of [
    [3, ['cheap', 'dear', 'plain']],
    [2, ['dear', 'plain']],
    [1, ['dear']],
  ] as const) {
    await sets.patch('default', 'web', 'merge', { spec: { replicas } });
    await eventually(async () => (await cluster.pods()).length === replicas, `${replicas} pods`);
    assert.deepEqual((await cluster.pods()).map((pod) => pod.metadata.name).sort(), left);
  }
});

test('minReadySeconds delays availability', async () => {
  let ahead = 0;
  await using cluster = await startCluster({ controllers, now: () => new Date(Date.now() + ahead) });
  const sets = cluster.client.resource(replicasets);
  const set = replicaSet('slow', 2);
  await sets.create({ ...set, spec: { ...set.spec, minReadySeconds: 3_600 } });
  const status = await eventually(async () => {
    const { status } = await sets.get('default', 'slow');
    return status?.readyReplicas === 2 && status;
  }, 'ready pods');
  assert.equal(status.availableReplicas ?? 0, 0);
  ahead = 3_600_000;
  await cluster.restart();
  await eventually(async () => (await sets.get('default', 'slow')).status?.availableReplicas === 2, 'available pods');
});

test('a pod that can not be created is told of in an event and a condition, which goes when it can', async () => {
  await using cluster = await startCluster({ controllers });
  let refuse = true;
  cluster.server.server.addAdmission([
    {
      name: 'Refuse',
      handles: ({ operation, definition }) => operation === 'CREATE' && definition === podKind,
      validate() {
        if (refuse) throw forbidden({ group: '', resource: 'pods' }, '', 'no room here');
      },
    },
  ]);
  const sets = cluster.client.resource(replicasets);
  await sets.create(replicaSet('web', 5));
  const failure = await eventually(
    async () => (await sets.get('default', 'web')).status?.conditions?.find(({ type }) => type === 'ReplicaFailure'),
    'the condition',
  );
  assert.equal(failure.reason, 'FailedCreate');
  assert.match(failure.message ?? '', /no room here/);
  await eventually(async () => (await cluster.events('web')).some((text) => /^FailedCreate Error creating: .*no room here/.test(text)), 'the event');
  refuse = false;
  await eventually(async () => {
    const { status } = await sets.get('default', 'web');
    return status?.replicas === 5 && !status.conditions?.length;
  }, 'all pods');
});

describe('a ReplicationController', () => {
  test('keeps its pods as a ReplicaSet does', async () => {
    await using cluster = await startCluster({ controllers });
    const controllersClient = cluster.client.resource(replicationcontrollers);
    await controllersClient.create({
      metadata: { name: 'old', namespace: 'default' },
      spec: { replicas: 2, selector: { app: 'old' }, template: workload('old').template },
    });
    await eventually(async () => (await controllersClient.get('default', 'old')).status?.readyReplicas === 2, 'two pods');
    assert.equal((await cluster.pods('app=old'))[0]?.metadata.ownerReferences?.[0]?.kind, 'ReplicationController');
  });
});
