import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { isNotFound } from '../../../src/apimachinery/errors.ts';
import { namespaceController } from '../../../src/controllers/namespace/namespace.ts';
import { eventually, startCluster, workload } from './harness.ts';

const controllers = [namespaceController];

test('a namespace goes with everything in it, after the last finalizer', async () => {
  await using cluster = await startCluster({ controllers });
  const client = cluster.client.resource(namespaces);
  const maps = cluster.client.resource(configmaps);
  await client.create({ metadata: { name: 'doomed' }, spec: {} });
  await maps.create({ metadata: { name: 'held', namespace: 'doomed', finalizers: ['example.com/hold'] } });
  await maps.create({ metadata: { name: 'plain', namespace: 'doomed' } });
  await maps.create({ metadata: { name: 'other', namespace: 'default' } });
  await cluster.client.resource(podKind).create({ metadata: { name: 'pod', namespace: 'doomed' }, spec: workload('x').template.spec });
  await client.delete('', 'doomed');
  const conditions = await eventually(async () => {
    const { status } = await client.get('', 'doomed');
    assert.equal(status?.phase, 'Terminating');
    return status?.conditions?.some(({ type, status }) => type === 'NamespaceFinalizersRemaining' && status === 'True') && status.conditions;
  }, 'the conditions');
  assert.deepEqual(
    conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    [
      'NamespaceDeletionDiscoveryFailure False ResourcesDiscovered',
      'NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions',
      'NamespaceDeletionContentFailure False ContentDeleted',
      'NamespaceContentRemaining True SomeResourcesRemain',
      'NamespaceFinalizersRemaining True SomeFinalizersRemain',
    ],
  );
  assert.match(conditions[3]?.message ?? '', /^Some resources are remaining: configmaps\. has 1 resource instances$/);
  assert.deepEqual(
    (await maps.list('doomed')).items.map(({ metadata }) => metadata.name),
    ['held'],
  );
  await maps.patch('doomed', 'held', 'merge', { metadata: { finalizers: null } });
  await eventually(async () => client.get('', 'doomed').then(() => false, isNotFound), 'the namespace to go', 20_000);
  assert.equal((await maps.list('default')).items.length, 1);
});

test('an empty namespace goes at once', async () => {
  await using cluster = await startCluster({ controllers });
  const client = cluster.client.resource(namespaces);
  await client.create({ metadata: { name: 'empty' }, spec: {} });
  await client.delete('', 'empty');
  await eventually(async () => client.get('', 'empty').then(() => false, isNotFound), 'the namespace to go');
});
