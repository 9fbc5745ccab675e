import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { resourceclaims } from '../../../src/api/resource/v1/resourceclaim.ts';
import { resourceclaimtemplates } from '../../../src/api/resource/v1/resourceclaimtemplate.ts';
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
