import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { poddisruptionbudgets } from '../../../src/api/policy/v1/poddisruptionbudget.ts';
import type { PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '../../../src/api/policy/v1/types.gen.ts';
import { disruptionController } from '../../../src/controllers/disruption/disruption.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { type Cluster, eventually, startCluster, workload } from './harness.ts';

const controllers = [disruptionController, replicaSetController];

async function budget(cluster: Cluster, spec: PodDisruptionBudgetSpec): Promise<void> {
  await cluster.client.resource(poddisruptionbudgets).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });
}
const statusIs = (cluster: Cluster, wanted: PodDisruptionBudgetStatus): Promise<PodDisruptionBudgetStatus> =>
  eventually(async () => {
    const { status } = await cluster.client.resource(poddisruptionbudgets).get('default', 'web');
    const same = Object.entries(wanted).every(([key, value]) => status?.[key as 'expectedPods'] === value);
    return same && status;
  }, JSON.stringify(wanted));
const start = async (replicas: number): Promise<Cluster> => {
  const cluster = await startCluster({ controllers });
  await cluster.client.resource(replicasets).create({ metadata: { name: 'web', namespace: 'default' }, spec: { replicas, ...workload('web') } });
  return cluster;
};

test('a budget counts against the size of what controls the pods', async () => {
  await using cluster = await start(4);
  await budget(cluster, { maxUnavailable: '25%' });
  const status = await statusIs(cluster, { expectedPods: 4, currentHealthy: 4, desiredHealthy: 3, disruptionsAllowed: 1 });
  assert.deepEqual(
    status.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [['DisruptionAllowed', 'True', 'SufficientPods']],
  );
  await cluster.client.resource(replicasets).patch('default', 'web', 'merge', { spec: { replicas: 8 } });
  await statusIs(cluster, { expectedPods: 8, currentHealthy: 8, desiredHealthy: 6, disruptionsAllowed: 2 });
});

test('a budget of a number counts pods, and pods that are not ready do not help', async () => {
  await using cluster = await start(2);
  await budget(cluster, { minAvailable: 2 });
  await statusIs(cluster, { expectedPods: 2, currentHealthy: 2, desiredHealthy: 2, disruptionsAllowed: 0 });
  await cluster.client
    .resource(podKind)
    .create({ metadata: { name: 'extra', namespace: 'default', labels: { app: 'web' } }, spec: workload('web').template.spec });
  const status = await statusIs(cluster, { currentHealthy: 2, disruptionsAllowed: 0 });
  assert.equal(status.conditions?.[0]?.reason, 'InsufficientPods');
});

test('pods of something without a scale allow nothing', async () => {
  await using cluster = await startCluster({ controllers: [disruptionController] });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'none', uid: '11111111-1111-1111-1111-111111111111', controller: true }];
  await cluster.client
    .resource(podKind)
    .create({ metadata: { name: 'odd', namespace: 'default', labels: { app: 'web' }, ownerReferences }, spec: workload('web').template.spec });
  await budget(cluster, { maxUnavailable: 1 });
  const status = await eventually(async () => {
    const found = (await cluster.client.resource(poddisruptionbudgets).get('default', 'web')).status;
    return found?.conditions?.[0]?.reason === 'SyncFailed' && found;
  }, 'the failure');
  assert.equal(status.disruptionsAllowed, 0);
  assert.equal(status.conditions?.[0]?.message, 'configmaps does not implement the scale subresource');
});
