import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { persistentvolumes } from '../../../src/api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../src/api/core/v1/types.gen.ts';
import { storageclasses } from '../../../src/api/storage/v1/storageclass.ts';
import { persistentVolumeBinderController } from '../../../src/controllers/volume/binder.ts';
import { ephemeralVolumeController } from '../../../src/controllers/volume/ephemeral.ts';
import { persistentVolumeClaimProtectionController, persistentVolumeProtectionController } from '../../../src/controllers/volume/protection.ts';
import { type Cluster, eventually, startCluster } from './harness.ts';

const claim = (name: string, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '', ...spec },
});
const volume = (name: string, storage: string, spec: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage }, hostPath: { path: '/tmp/x' }, persistentVolumeReclaimPolicy: 'Retain', ...spec },
});
const phase = ({ client }: Cluster, name: string, wanted: string) =>
  eventually(async () => {
    const found = await client.resource(persistentvolumeclaims).get('default', name);
    return found.status?.phase === wanted && found;
  }, `claim ${name} ${wanted}`);
const volumePhase = ({ client }: Cluster, name: string, wanted: string) =>
  eventually(async () => {
    const found = await client.resource(persistentvolumes).get('', name);
    return found.status?.phase === wanted && found;
  }, `volume ${name} ${wanted}`);

const start = () =>
  startCluster({
    controllers: [persistentVolumeBinderController, persistentVolumeClaimProtectionController, persistentVolumeProtectionController, ephemeralVolumeController],
    settings: { localVolumeDir: '/volumes' },
  });

test('a claim gets the smallest volume that is large enough, and what it leaves behind is kept', async () => {
  await using cluster = await start();
  const { client } = cluster;
  await client.resource(persistentvolumes).create(volume('big', '10Gi'));
  await client.resource(persistentvolumes).create(volume('fits', '2Gi'));
  await client.resource(persistentvolumes).create(volume('small', '500Mi'));
  for (const name of ['big', 'fits', 'small']) await volumePhase(cluster, name, 'Available');
  await client.resource(persistentvolumeclaims).create(claim('c'));
  const bound = await phase(cluster, 'c', 'Bound');
  assert.equal(bound.spec.volumeName, 'fits');
  assert.deepEqual(bound.status!.capacity, { storage: '2Gi' });
  assert.equal(bound.metadata.annotations!['pv.kubernetes.io/bind-completed'], 'yes');
  const taken = await volumePhase(cluster, 'fits', 'Bound');
  assert.equal(taken.spec.claimRef!.uid, bound.metadata.uid);
  await client.resource(persistentvolumeclaims).delete('default', 'c');
  await volumePhase(cluster, 'fits', 'Released');
});

test('a claim waits for a volume, and a volume for its claim', async () => {
  await using cluster = await start();
  const { client } = cluster;
  await client.resource(persistentvolumeclaims).create(claim('early', { volumeName: 'late' }));
  await client.resource(persistentvolumeclaims).create(claim('any'));
  // Now it is known that there is none for it, and the first that comes is for the one that names it.
  await eventually(
    async () => (await cluster.events('any')).includes('FailedBinding no persistent volumes available for this claim and no storage class is set'),
    'event',
  );
  await phase(cluster, 'any', 'Pending');
  await client.resource(persistentvolumes).create(volume('late', '1Gi'));
  await phase(cluster, 'early', 'Bound');
  await client.resource(persistentvolumes).create(volume('kept', '1Gi', { claimRef: { namespace: 'default', name: 'chosen' } }));
  await client.resource(persistentvolumeclaims).create(claim('chosen'));
  assert.equal((await phase(cluster, 'chosen', 'Bound')).spec.volumeName, 'kept');
});

test('a claim of the default class becomes a directory on the node of its first pod, and goes with the claim', async () => {
  await using cluster = await start();
  const { client } = cluster;
  await client.resource(nodes).create({ metadata: { name: 'n', labels: { 'kubernetes.io/hostname': 'n' } }, spec: {} });
  await client.resource(storageclasses).create({
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'knarr.dev/local',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const { storageClassName: _none, ...spec } = claim('c').spec;
  await client.resource(persistentvolumeclaims).create({ ...claim('c'), spec });
  await eventually(async () => (await cluster.events('c')).includes('WaitForFirstConsumer waiting for first consumer to be created before binding'), 'event');
  const pending = await phase(cluster, 'c', 'Pending');
  assert.equal(pending.spec.storageClassName, 'standard');
  await client.resource(persistentvolumeclaims).patch('default', 'c', 'merge', { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n' } } });
  const bound = await phase(cluster, 'c', 'Bound');
  const made = await client.resource(persistentvolumes).get('', bound.spec.volumeName!);
  assert.equal(made.metadata.name, `pvc-${bound.metadata.uid}`);
  assert.deepEqual(made.spec.local, { path: `/volumes/${made.metadata.name}` });
  assert.deepEqual(made.spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values, ['n']);
  await client.resource(persistentvolumeclaims).delete('default', 'c');
  await eventually(async () => (await client.resource(persistentvolumes).list('')).items.length === 0, 'volume to go');
});

test('a claim that a pod uses stays until the pod is gone', async () => {
  await using cluster = await start();
  const { client } = cluster;
  const claims = client.resource(persistentvolumeclaims);
  await claims.create(claim('c'));
  await eventually(async () => (await claims.get('default', 'c')).metadata.finalizers?.includes('kubernetes.io/pvc-protection'), 'finalizer');
  await client.resource(pods).create({
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] },
  });
  await claims.delete('default', 'c');
  await cluster.rest();
  assert.ok((await claims.get('default', 'c')).metadata.deletionTimestamp);
  await client.resource(pods).delete('default', 'p', { gracePeriodSeconds: 0 });
  await eventually(async () => (await claims.list('default')).items.length === 0, 'claim to go');
});

test('a pod with an ephemeral volume gets a claim of its own', async () => {
  await using cluster = await start();
  const { client } = cluster;
  await client.resource(pods).create({
    metadata: { name: 'p', namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { name: '', labels: { a: 'b' } }, spec: claim('').spec } } }],
    },
  });
  const made = await eventually(
    () =>
      client
        .resource(persistentvolumeclaims)
        .get('default', 'p-scratch')
        .catch(() => undefined),
    'claim',
  );
  assert.equal(made.metadata.ownerReferences![0]!.name, 'p');
  assert.deepEqual(made.metadata.labels, { a: 'b' });
  // A claim of that name that somebody else made is not taken.
  await client.resource(persistentvolumeclaims).create(claim('q-scratch'));
  await client.resource(pods).create({
    metadata: { name: 'q', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: claim('').spec } } }] },
  });
  const refused = 'FailedBinding ephemeral volume scratch: PVC default/q-scratch was not created for pod default/q (pod is not owner)';
  await eventually(async () => (await cluster.events('q')).includes(refused), 'the event');
});
