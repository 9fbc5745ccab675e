import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerrevisions } from '../../../src/api/apps/v1/controllerrevision.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import type { StatefulSet, StatefulSetSpec } from '../../../src/api/apps/v1/types.gen.ts';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { garbageCollectorController } from '../../../src/controllers/garbagecollector/garbagecollector.ts';
import { statefulSetController } from '../../../src/controllers/statefulset/statefulset.ts';
import { type Cluster, eventually, runningStatus, startCluster, workload } from './harness.ts';

const controllers = [statefulSetController];
const statefulSet = (replicas: number, spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata: { name: 'db', namespace: 'default' },
  spec: { replicas, serviceName: 'db', ...workload('db'), ...spec },
});
const names = async (cluster: Cluster): Promise<string[]> => (await cluster.pods()).map((pod) => pod.metadata.name).sort();
const settled = (cluster: Cluster, replicas: number): Promise<StatefulSet> =>
  eventually(async () => {
    const set = await cluster.client.resource(statefulsets).get('default', 'db');
    const { status, metadata } = set;
    const done = status?.observedGeneration === metadata.generation && (status?.readyReplicas ?? 0) === replicas && status?.replicas === replicas;
    return done && status?.currentRevision === status?.updateRevision && set;
  }, `${replicas} ready pods of one revision`);
const setImage = (cluster: Cluster, image: string) =>
  cluster.client.resource(statefulsets).patch('default', 'db', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } });

test('pods start in order, each after the one before is ready, and stop in reverse', async () => {
  const allowed = new Set(['db-0']);
  await using cluster = await startCluster({ controllers, kubelet: (pod) => (allowed.has(pod.metadata.name) ? runningStatus() : undefined) });
  await cluster.client.resource(statefulsets).create(statefulSet(3));
  await eventually(async () => (await names(cluster)).length === 2, 'the second pod');
  await cluster.rest();
  assert.deepEqual(await names(cluster), ['db-0', 'db-1']);
  for (const name of ['db-1', 'db-2']) {
    allowed.add(name);
    await cluster.client
      .resource(podKind)
      .patch('default', name, 'merge', { metadata: { annotations: { go: 'on' } } })
      .catch(() => {});
  }
  await settled(cluster, 3);
  const pod = await cluster.client.resource(podKind).get('default', 'db-1');
  assert.deepEqual([pod.spec.hostname, pod.spec.subdomain], ['db-1', 'db']);
  assert.equal(pod.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-1');
  assert.equal(pod.metadata.labels?.['apps.kubernetes.io/pod-index'], '1');
  await cluster.client.resource(statefulsets).patch('default', 'db', 'merge', { spec: { replicas: 1 } });
  await settled(cluster, 1);
  assert.deepEqual(await names(cluster), ['db-0']);
  const deleted = await eventually(async () => {
    const found = (await cluster.events('db')).filter((text) => text.startsWith('SuccessfulDelete'));
    return found.length === 2 && found;
  }, 'both events');
  assert.deepEqual(deleted, ['SuccessfulDelete Delete Pod db-2 in StatefulSet db successful', 'SuccessfulDelete Delete Pod db-1 in StatefulSet db successful']);
});

test('Parallel starts all at once, and ordinals may start elsewhere', async () => {
  await using cluster = await startCluster({ controllers, kubelet: () => undefined });
  await cluster.client.resource(statefulsets).create(statefulSet(3, { podManagementPolicy: 'Parallel', ordinals: { start: 5 } }));
  await eventually(async () => (await names(cluster)).length === 3, 'three pods');
  assert.deepEqual(await names(cluster), ['db-5', 'db-6', 'db-7']);
});

test('a rolling update goes from the highest ordinal down to the partition, and a rollback reuses the revision', async () => {
  await using cluster = await startCluster({ controllers });
  await cluster.client.resource(statefulsets).create(statefulSet(3));
  const before = await settled(cluster, 3);
  const client = cluster.client.resource(statefulsets);
  await client.patch('default', 'db', 'merge', { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } } });
  await setImage(cluster, 'web:2');
  const images = async (): Promise<string> =>
    (await cluster.pods())
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((pod) => pod.spec.containers[0]?.image)
      .join(' ');
  await eventually(async () => (await images()) === 'web:1 web:1 web:2', 'the canary');
  await cluster.rest();
  assert.equal(await images(), 'web:1 web:1 web:2');
  await cluster.client.resource(podKind).delete('default', 'db-0');
  await eventually(
    async () => (await images()) === 'web:1 web:1 web:2' && (await cluster.pods()).every((pod) => pod.status?.phase === 'Running'),
    'the old revision below the partition',
  );
  await client.patch('default', 'db', 'merge', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
  const after = await settled(cluster, 3);
  assert.equal(await images(), 'web:2 web:2 web:2');
  assert.notEqual(after.status?.currentRevision, before.status?.currentRevision);
  await setImage(cluster, 'web:1');
  const back = await eventually(async () => {
    const set = await settled(cluster, 3);
    return set.status?.currentRevision === before.status?.currentRevision && set;
  }, 'the rollback');
  assert.equal(back.status?.updatedReplicas, 3);
  const revisions = (await cluster.client.resource(controllerrevisions).list('default')).items;
  assert.deepEqual(revisions.map(({ revision }) => revision).sort(), [2, 3]);
});

test('claims are made from templates, kept by default, and go with the pod or the set when the policy says so', async () => {
  await using cluster = await startCluster({ controllers: [...controllers, garbageCollectorController] });
  const claims = cluster.client.resource(persistentvolumeclaims);
  const client = cluster.client.resource(statefulsets);
  await client.create(
    statefulSet(2, {
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Retain', whenDeleted: 'Delete' },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
    }),
  );
  await settled(cluster, 2);
  const claimNames = async () => (await claims.list('default')).items.map(({ metadata }) => metadata.name).sort();
  assert.deepEqual(await claimNames(), ['data-db-0', 'data-db-1']);
  const [pod] = await cluster.pods();
  assert.equal(pod?.spec.volumes?.find(({ name }) => name === 'data')?.persistentVolumeClaim?.claimName, `data-${pod?.metadata.name}`);
  await client.patch('default', 'db', 'merge', { spec: { replicas: 1 } });
  await settled(cluster, 1);
  assert.deepEqual(await claimNames(), ['data-db-0', 'data-db-1']);
  await client.patch('default', 'db', 'merge', {
    spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' }, replicas: 2 },
  });
  await settled(cluster, 2);
  await client.patch('default', 'db', 'merge', { spec: { replicas: 1 } });
  await eventually(async () => (await claimNames()).length === 1, 'the claim to go with its pod');
  await settled(cluster, 1);
  await client.delete('default', 'db', { propagationPolicy: 'Background' });
  await eventually(async () => (await claimNames()).length === 0, 'the claim to go with the set');
});

test('a failed pod is replaced under its name', async () => {
  await using cluster = await startCluster({ controllers });
  await cluster.client.resource(statefulsets).create(statefulSet(1));
  await settled(cluster, 1);
  const pods = cluster.client.resource(podKind);
  const pod = await pods.get('default', 'db-0');
  await pods.updateStatus({ ...pod, status: { ...pod.status, phase: 'Failed' } });
  await eventually(async () => {
    const [found] = await cluster.pods();
    return found?.metadata.uid !== pod.metadata.uid && found?.status?.phase === 'Running';
  }, 'a new pod');
});

test('with maxUnavailable, a rolling update replaces so many at once, and no more while those are not available', async () => {
  let healthy = false;
  await using cluster = await startCluster({
    controllers,
    kubelet: (pod) => (healthy || pod.spec.containers[0]?.image === 'web:1' ? runningStatus() : { phase: 'Pending' }),
  });
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%' } };
  await cluster.client.resource(statefulsets).create(statefulSet(4, { podManagementPolicy: 'Parallel', updateStrategy }));
  await settled(cluster, 4);
  await setImage(cluster, 'web:2');
  const updated = async (): Promise<string[]> =>
    (await cluster.pods())
      .filter(({ spec }) => spec.containers[0]?.image === 'web:2')
      .map(({ metadata }) => metadata.name)
      .sort();
  await eventually(async () => (await updated()).length === 2, 'two are replaced');
  await cluster.rest();
  assert.deepEqual(await updated(), ['db-2', 'db-3']);
  healthy = true;
  for (const pod of await cluster.pods()) {
    if (pod.status?.phase === 'Pending') await cluster.client.resource(podKind).updateStatus({ ...pod, status: runningStatus() });
  }
  await settled(cluster, 4);
  assert.equal((await updated()).length, 4);
});
