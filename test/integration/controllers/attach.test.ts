import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { persistentvolumes } from '../../../src/api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { volumeattachments } from '../../../src/api/storage/v1/volumeattachment.ts';
import { attachDetachController } from '../../../src/controllers/volume/attachdetach.ts';
import { persistentVolumeExpanderController } from '../../../src/controllers/volume/expander.ts';
import { type Cluster, eventually, startCluster } from './harness.ts';

const driver = 'disk.example.com';

async function bind({ client }: Cluster, spec: object, annotations: Record<string, string> = {}): Promise<void> {
  const claims = client.resource(persistentvolumeclaims);
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  const claim = await claims.create({
    metadata: { name: 'c', namespace: 'default', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { ...common, volumeName: 'pv', resources: { requests: { storage: '1Gi' } } },
  });
  const claimRef = { namespace: 'default', name: 'c', uid: claim.metadata.uid };
  await client
    .resource(persistentvolumes)
    .create({ metadata: { name: 'pv', annotations }, spec: { ...common, capacity: { storage: '1Gi' }, claimRef, ...spec } });
  await claims.patch('default', 'c', 'merge', { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }, { subresource: 'status' });
}

test('a volume of a CSI driver is attached for its pod, published on the node, and detached when nobody uses it', async () => {
  await using cluster = await startCluster({ controllers: [attachDetachController] });
  const { client } = cluster;
  await client.resource(nodes).create({ metadata: { name: 'n' }, spec: {} });
  await bind(cluster, { csi: { driver, volumeHandle: 'vol-1' } });
  await client.resource(pods).create({
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] },
  });
  const attachments = client.resource(volumeattachments);
  const [made] = await eventually(async () => {
    const { items } = await attachments.list('');
    return items.length === 1 && items;
  }, 'attachment');
  assert.equal(made!.metadata.name, `csi-${createHash('sha256').update(`vol-1${driver}n`).digest('hex')}`);
  assert.deepEqual(made!.spec, { attacher: driver, nodeName: 'n', source: { persistentVolumeName: 'pv' } });
  await attachments.patch('', made!.metadata.name, 'merge', { status: { attached: true } }, { subresource: 'status' });
  const name = `kubernetes.io/csi/${driver}^vol-1`;
  await eventually(async () => (await client.resource(nodes).get('', 'n')).status?.volumesAttached?.[0]?.name === name, 'node status');
  await client.resource(nodes).patch('', 'n', 'merge', { status: { volumesInUse: [name] } }, { subresource: 'status' });
  await client.resource(pods).delete('default', 'p', { gracePeriodSeconds: 0 });
  await cluster.rest();
  assert.equal((await attachments.list('')).items.length, 1, 'what the kubelet has mounted stays attached');
  await client.resource(nodes).patch('', 'n', 'merge', { status: { volumesInUse: null } }, { subresource: 'status' });
  await eventually(async () => (await attachments.list('')).items.length === 0, 'detachment');
});

test('a directory grows as soon as its claim asks for more; a CSI volume waits for its driver', async () => {
  for (const [provisioner, grows] of [
    ['knarr.dev/local', true],
    [driver, false],
  ] as const) {
    await using cluster = await startCluster({ controllers: [persistentVolumeExpanderController] });
    const { client } = cluster;
    await bind(cluster, grows ? { local: { path: '/v' }, nodeAffinity: affinity } : { csi: { driver, volumeHandle: 'v' } }, {
      'pv.kubernetes.io/provisioned-by': provisioner,
    });
    await client.resource(persistentvolumeclaims).patch('default', 'c', 'merge', { spec: { resources: { requests: { storage: '2Gi' } } } });
    if (grows) {
      await eventually(async () => (await client.resource(persistentvolumeclaims).get('default', 'c')).status?.capacity?.storage === '2Gi', 'capacity');
      assert.equal((await client.resource(persistentvolumes).get('', 'pv')).spec.capacity?.storage, '2Gi');
    } else {
      await eventually(async () => (await cluster.events('c')).includes('ExternalExpanding waiting for an external controller to expand this PVC'), 'event');
    }
  }
});

const affinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n'] }] }] } };
