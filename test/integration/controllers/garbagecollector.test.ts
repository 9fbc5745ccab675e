import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import type { ConfigMap } from '../../../src/api/core/v1/types.gen.ts';
import type { DeleteQuery } from '../../../src/client/client.ts';
import { deploymentController } from '../../../src/controllers/deployment/deployment.ts';
import { garbageCollectorController } from '../../../src/controllers/garbagecollector/garbagecollector.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { type Cluster, eventually, startCluster, workload } from './harness.ts';

const controllers = [deploymentController, replicaSetController, garbageCollectorController];

async function rolledOut(cluster: Cluster): Promise<void> {
  const client = cluster.client.resource(deployments);
  await client.create({ metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 3, ...workload('web') } });
  await eventually(async () => (await client.get('default', 'web')).status?.availableReplicas === 3, 'the rollout');
}

const remove = async (cluster: Cluster, propagationPolicy: DeleteQuery['propagationPolicy']): Promise<void> => {
  await cluster.client.resource(deployments).delete('default', 'web', { propagationPolicy });
};
const names = async (cluster: Cluster): Promise<string[]> => [
  ...(await cluster.client.resource(deployments).list('default')).items.map(() => 'deployment'),
  ...(await cluster.client.resource(replicasets).list('default')).items.map(() => 'replicaset'),
  ...(await cluster.pods()).map(() => 'pod'),
];

test('background deletion takes the owner first and everything below it after', async () => {
  await using cluster = await startCluster({ controllers });
  await rolledOut(cluster);
  await remove(cluster, 'Background');
  assert.ok(!(await names(cluster)).includes('deployment'));
  await eventually(async () => (await names(cluster)).length === 0, 'everything to go');
});

test('foreground deletion takes the owner last', async () => {
  await using cluster = await startCluster({ controllers });
  await rolledOut(cluster);
  const pods = cluster.client.resource(podKind);
  const held = (await cluster.pods())[0]!.metadata.name;
  await pods.patch('default', held, 'merge', { metadata: { finalizers: ['example.com/hold'] } });
  await remove(cluster, 'Foreground');
  await eventually(async () => (await cluster.pods()).length === 1, 'the other pods to go');
  await cluster.rest();
  assert.deepEqual(await names(cluster), ['deployment', 'replicaset', 'pod']);
  const [owner] = (await cluster.client.resource(deployments).list('default')).items;
  assert.deepEqual(owner?.metadata.finalizers, ['foregroundDeletion']);
  await pods.patch('default', held, 'merge', { metadata: { finalizers: null } });
  await eventually(async () => (await names(cluster)).length === 0, 'everything to go');
});

test('orphaning leaves the dependents, without their owner', async () => {
  await using cluster = await startCluster({ controllers });
  await rolledOut(cluster);
  await remove(cluster, 'Orphan');
  await eventually(async () => !(await names(cluster)).includes('deployment'), 'the owner to go');
  await cluster.rest();
  assert.deepEqual(await names(cluster), ['replicaset', 'pod', 'pod', 'pod']);
  const [set] = (await cluster.client.resource(replicasets).list('default')).items;
  assert.equal(set?.metadata.ownerReferences, undefined);
});

const owned = (name: string, owners: { name: string; uid: string; kind?: string; blockOwnerDeletion?: boolean }[], namespace = 'default'): ConfigMap => ({
  metadata: { name, namespace, ownerReferences: owners.map((owner) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...owner })) },
});

test('an object stays while one owner stands, and loses the references to the others', async () => {
  await using cluster = await startCluster({ controllers });
  const maps = cluster.client.resource(configmaps);
  const one = await maps.create(owned('one', []));
  const two = await maps.create(owned('two', []));
  await maps.create(
    owned('child', [
      { name: 'one', uid: one.metadata.uid! },
      { name: 'two', uid: two.metadata.uid! },
    ]),
  );
  await maps.delete('default', 'one');
  await eventually(async () => (await maps.get('default', 'child')).metadata.ownerReferences?.length === 1, 'the reference to go');
  await maps.delete('default', 'two');
  await eventually(async () => (await maps.list('default')).items.every(({ metadata }) => metadata.name !== 'child'), 'the child to go');
});

test('an owner that never was, or is in another namespace, is no owner', async () => {
  await using cluster = await startCluster({ controllers });
  const maps = cluster.client.resource(configmaps);
  await cluster.client.resource(namespaces).create({ metadata: { name: 'other' }, spec: {} });
  const elsewhere = await maps.create(owned('elsewhere', [], 'other'));
  await maps.create(owned('lost', [{ name: 'nobody', uid: '11111111-1111-1111-1111-111111111111' }]));
  await maps.create(owned('foreign', [{ name: 'elsewhere', uid: elsewhere.metadata.uid! }]));
  await eventually(async () => (await maps.list('default')).items.length === 0, 'both to go');
  await maps.get('other', 'elsewhere');
  await eventually(
    async () =>
      (await cluster.events('foreign')).some((text) => text.startsWith('OwnerRefInvalidNamespace ownerRef [v1/ConfigMap, namespace: default, name: elsewhere')),
    'the event',
  );
});

test('owners in a circle that are deleted in the foreground do not wait for each other', async () => {
  await using cluster = await startCluster({ controllers });
  const maps = cluster.client.resource(configmaps);
  const one = await maps.create(owned('one', []));
  const two = await maps.create(owned('two', [{ name: 'one', uid: one.metadata.uid!, blockOwnerDeletion: true }]));
  await maps.patch('default', 'one', 'merge', {
    metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'two', uid: two.metadata.uid, blockOwnerDeletion: true }] },
  });
  await maps.delete('default', 'one', { propagationPolicy: 'Foreground' });
  await eventually(async () => (await maps.list('default')).items.length === 0, 'both to go');
});
