import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { resourceclaims } from '../../../src/api/resource/v1/resourceclaim.ts';
import { resourceclaimtemplates } from '../../../src/api/resource/v1/resourceclaimtemplate.ts';
import { resourceslices } from '../../../src/api/resource/v1/resourceslice.ts';
import { deviceTaintEvictionController, evictionTime } from '../../../src/controllers/devicetainteviction.ts';
import { generateNameFor } from '../../../src/controllers/resourceclaim/podclaims.ts';
import { resourceClaimController } from '../../../src/controllers/resourceclaim/resourceclaim.ts';
import { eventually, startCluster } from './harness.ts';

const spec = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com', allocationMode: 'ExactCount', count: 1 } }] } };

test('a pod gets a claim from its template, and gives its devices back when it is done', async () => {
  await using cluster = await startCluster({ controllers: [resourceClaimController], kubelet: () => undefined });
  const { client } = cluster;
  const claims = client.resource(resourceclaims);
  await client.resource(pods).create({
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }], resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpus' }] },
  });
  await eventually(
    async () => (await cluster.events('p')).some((one) => one.startsWith('FailedResourceClaimCreation PodResourceClaim gpu: resource claim template "gpus": ')),
    'event',
  );
  await client.resource(resourceclaimtemplates).create({ metadata: { name: 'gpus', namespace: 'default' }, spec: { metadata: { labels: { a: 'b' } }, spec } });
  const pod = await eventually(async () => {
    const found = await client.resource(pods).get('default', 'p');
    return found.status?.resourceClaimStatuses ? found : undefined;
  }, 'status');
  const name = pod.status!.resourceClaimStatuses![0]!.resourceClaimName!;
  assert.match(name, /^p-gpu-/);
  const claim = await claims.get('default', name);
  assert.deepEqual(claim.metadata.labels, { a: 'b' });
  assert.equal(claim.metadata.ownerReferences![0]!.uid, pod.metadata.uid);
  assert.equal((await claims.list('default')).items.length, 1);
  await client.resource(pods).patch('default', 'p', 'merge', { status: { phase: 'Succeeded' } }, { subresource: 'status' });
  await eventually(async () => (await claims.list('default')).items.length === 0, 'claim to go');
});

test('names are cut so that pod and claim can both be told', () => {
  assert.equal(generateNameFor('pod', 'claim'), 'pod-claim-');
  const name = generateNameFor('p'.repeat(60), 'c'.repeat(60));
  assert.ok(name.length <= 58 && name.includes('p-c'));
});

test('a pod whose device is tainted has to go, unless its claim tolerates that', async () => {
  await using cluster = await startCluster({ controllers: [deviceTaintEvictionController] });
  const { client } = cluster;
  const driver = 'gpu.example.com';
  const claims = client.resource(resourceclaims);
  for (const [name, tolerations] of [
    ['goes', undefined],
    ['stays', [{ operator: 'Exists', key: 'broken' }]],
  ] as const) {
    const podSpec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0 };
    const pod = await client.resource(pods).create({
      metadata: { name, namespace: 'default' },
      spec: { ...podSpec, resourceClaims: [{ name: 'gpu', resourceClaimName: name }] },
    });
    const made = await claims.create({ metadata: { name, namespace: 'default', finalizers: ['resource.kubernetes.io/delete-protection'] }, spec });
    const results = [{ request: 'gpu', driver, pool: 'n', device: name, ...(tolerations ? { tolerations: [...tolerations] } : {}) }];
    const reservedFor = [{ resource: 'pods', name, uid: pod.metadata.uid! }];
    await claims.updateStatus({ ...made, status: { allocation: { devices: { results } }, reservedFor } });
  }
  const taints = [{ key: 'broken', effect: 'NoExecute' }];
  const pool = { name: 'n', generation: 1, resourceSliceCount: 1 };
  const devices = ['goes', 'stays'].map((name) => ({ name, taints }));
  await client.resource(resourceslices).create({ metadata: { name: 's' }, spec: { driver, nodeName: 'n', pool, devices } });
  await eventually(async () => (await cluster.pods()).map(({ metadata }) => metadata.name).join() === 'stays', 'eviction');
});

test('a toleration for a time counts from when the taint came', () => {
  const taint = { key: 'k', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' };
  const start = Date.parse(taint.timeAdded);
  assert.equal(evictionTime(taint, []), start);
  assert.equal(evictionTime(taint, [{ key: 'k', operator: 'Exists', tolerationSeconds: 60 }]), start + 60_000);
  assert.equal(evictionTime(taint, [{ operator: 'Exists' }]), Number.POSITIVE_INFINITY);
});
