import assert from 'node:assert/strict';
import { test } from 'node:test';
import { persistentvolumeclaims } from '../../../src/api/core/v1/persistentvolumeclaim.ts';
import { deviceclasses } from '../../../src/api/resource/v1/deviceclass.ts';
import { resourceclaims } from '../../../src/api/resource/v1/resourceclaim.ts';
import { resourceslices } from '../../../src/api/resource/v1/resourceslice.ts';
import { storageclasses } from '../../../src/api/storage/v1/storageclass.ts';
import { eventually } from '../controllers/harness.ts';
import { startScheduling as start } from './harness.ts';

test('pods are bound, with an event', async () => {
  await using cluster = await start();
  await cluster.addNode('a', '4');
  await cluster.addPod('p');
  assert.equal(await cluster.nodeOf('p'), 'a');
  await eventually(async () => (await cluster.eventsOf('p')).includes('Normal Scheduled Successfully assigned default/p to a'), 'event');
});

test('a pod that fits nowhere is told why, and goes where room appears', async () => {
  await using cluster = await start();
  await cluster.addPod('early');
  assert.equal((await cluster.condition('early')).message, 'no nodes available to schedule pods');
  await cluster.addNode('small', '1');
  await cluster.nodeOf('early');
  await cluster.addPod('large', '2');
  const { reason, message } = await cluster.condition('large');
  const text =
    '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
  assert.deepEqual({ reason, message }, { reason: 'Unschedulable', message: text });
  await eventually(async () => (await cluster.eventsOf('large')).includes(`Warning FailedScheduling ${text}`), 'event');
  await cluster.addNode('big', '4');
  assert.equal(await cluster.nodeOf('large'), 'big');
});

test('the more important pod displaces the lesser one', async () => {
  await using cluster = await start();
  await cluster.addNode('a', '1');
  await cluster.addPod('low', '1', { terminationGracePeriodSeconds: 30 });
  await cluster.nodeOf('low');
  await cluster.addPod('high', '1', { priority: 1000 });
  const victim = await eventually(async () => {
    const pod = await cluster.pods.get('default', 'low');
    return pod.metadata.deletionTimestamp ? pod : undefined;
  }, 'low to be evicted');
  const condition = victim.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  assert.equal(condition?.reason, 'PreemptionByScheduler');
  assert.equal(condition?.message, 'default-scheduler: preempting to accommodate a higher priority pod');
  await eventually(async () => (await cluster.pods.get('default', 'high')).status?.nominatedNodeName === 'a', 'nomination');
  await cluster.pods.delete('default', 'low', { gracePeriodSeconds: 0 });
  assert.equal(await cluster.nodeOf('high'), 'a');
});

test('a gated pod waits, and a taint that goes lets pods in', async () => {
  await using cluster = await start();
  await cluster.addNode('a', '4', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });
  await cluster.addPod('gated', '100m', { schedulingGates: [{ name: 'example.com/g' }], tolerations: [{ operator: 'Exists' }] });
  await cluster.addPod('kept-out');
  assert.match((await cluster.condition('kept-out')).message!, /^0\/1 nodes are available: 1 node\(s\) had untolerated taint\(s\)\./);
  assert.equal((await cluster.pods.get('default', 'gated')).spec.nodeName, undefined);
  await cluster.pods.patch('default', 'gated', 'merge', { spec: { schedulingGates: null } });
  await cluster.nodeOf('gated');
  await cluster.nodes.patch('', 'a', 'merge', { spec: { taints: null } });
  await cluster.nodeOf('kept-out');
});

test('many pods spread evenly', async () => {
  await using cluster = await start();
  for (let i = 0; i < 10; i++) await cluster.addNode(`n${i}`, '32');
  await Promise.all(Array.from({ length: 200 }, (_, i) => cluster.addPod(`p${i}`)));
  const list = await eventually(async () => {
    const { items } = await cluster.pods.list('default');
    return items.every(({ spec }) => spec.nodeName) && items;
  }, 'all pods');
  const counts = [...Map.groupBy(list, ({ spec }) => spec.nodeName).values()].map((one) => one.length);
  assert.equal(counts.length, 10);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 4, `${counts}`);
});

test('devices are allocated for a claim, and its pod goes where they are', async () => {
  await using cluster = await start();
  const { client } = cluster;
  await cluster.addNode('plain', '4');
  await cluster.addNode('gpu', '4');
  const driver = 'gpu.example.com';
  await client.resource(deviceclasses).create({ metadata: { name: 'gpu' }, spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] } });
  const claims = client.resource(resourceclaims);
  const requests = [{ name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 } }];
  for (const name of ['one', 'two']) await claims.create({ metadata: { name, namespace: 'default' }, spec: { devices: { requests } } });
  await cluster.addPod('first', '100m', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'one' }] });
  assert.match((await cluster.condition('first')).message!, /^0\/2 nodes are available: 2 cannot allocate all claims\./);
  const pool = { name: 'gpu', generation: 1, resourceSliceCount: 1 };
  await client.resource(resourceslices).create({ metadata: { name: 's' }, spec: { driver, nodeName: 'gpu', pool, devices: [{ name: 'gpu-0' }] } });
  assert.equal(await cluster.nodeOf('first'), 'gpu');
  const { status } = await claims.get('default', 'one');
  assert.deepEqual(status!.allocation!.devices!.results, [{ request: 'r', driver, pool: 'gpu', device: 'gpu-0' }]);
  assert.equal(status!.reservedFor![0]!.name, 'first');
  await cluster.addPod('second', '100m', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'two' }] });
  await cluster.condition('second');
  assert.equal((await claims.get('default', 'two')).status?.allocation, undefined);
});

test('a device serves an extended resource, once', async () => {
  await using cluster = await start();
  const { client } = cluster;
  const driver = 'gpu.example.com';
  await cluster.addNode('gpu', '4');
  await client.resource(deviceclasses).create({ metadata: { name: 'gpu' }, spec: { extendedResourceName: 'example.com/gpu' } });
  const pool = { name: 'gpu', generation: 1, resourceSliceCount: 1 };
  await client.resource(resourceslices).create({ metadata: { name: 's' }, spec: { driver, nodeName: 'gpu', pool, devices: [{ name: 'gpu-0' }] } });
  const resources = { requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } };
  const containers = [{ name: 'c', image: 'i', resources }];
  await Promise.all(['one', 'two'].map((name) => cluster.addPod(name, '', { containers })));
  const placed = await eventually(async () => {
    const { items } = await cluster.pods.list('default');
    return items.find(({ spec }) => spec.nodeName);
  }, 'one of them to be placed');
  const other = placed.metadata.name === 'one' ? 'two' : 'one';
  assert.match((await cluster.condition(other)).message!, /^0\/1 nodes are available: 1 cannot allocate all claims\./);
  const { items: claims } = await client.resource(resourceclaims).list('default');
  assert.equal(claims.length, 1);
  const [claim] = claims;
  assert.match(claim!.metadata.name, new RegExp(`^${placed.metadata.name}-extended-resources-`));
  assert.deepEqual(claim!.status!.allocation!.devices!.results, [{ request: 'container-0-request-0', driver, pool: 'gpu', device: 'gpu-0' }]);
  const { status } = await cluster.pods.get('default', placed.metadata.name);
  assert.deepEqual(status!.extendedResourceClaimStatus, {
    resourceClaimName: claim!.metadata.name,
    requestMappings: [{ containerName: 'c', resourceName: 'example.com/gpu', requestName: 'container-0-request-0' }],
  });
});

test('a claim that waits for its first consumer gets the node of the pod, and the pod waits for its volume', async () => {
  await using cluster = await start();
  const { client } = cluster;
  await cluster.addNode('a', '4');
  await client.resource(storageclasses).create({ metadata: { name: 'waits' }, provisioner: 'example.com/p', volumeBindingMode: 'WaitForFirstConsumer' });
  const claims = client.resource(persistentvolumeclaims);
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'waits' };
  await claims.create({ metadata: { name: 'c', namespace: 'default' }, spec });
  await cluster.addPod('p', '100m', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] });
  const chosen = await eventually(async () => {
    const claim = await claims.get('default', 'c');
    return claim.metadata.annotations?.['volume.kubernetes.io/selected-node'] === 'a' ? claim : undefined;
  }, 'node');
  assert.equal((await cluster.pods.get('default', 'p')).spec.nodeName, undefined);
  const annotations = { ...chosen.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' };
  await claims.update({ ...chosen, metadata: { ...chosen.metadata, annotations }, spec: { ...chosen.spec, volumeName: 'made' } });
  assert.equal(await cluster.nodeOf('p'), 'a');
});
