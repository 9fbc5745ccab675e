import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leases } from '../../../src/api/coordination/v1/lease.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import type { Node, Pod } from '../../../src/api/core/v1/types.gen.ts';
import { microTimeOf, timeOf } from '../../../src/apimachinery/meta.ts';
import { nodeIpamController } from '../../../src/controllers/nodeipam/nodeipam.ts';
import { nodeLifecycleController } from '../../../src/controllers/nodelifecycle/nodelifecycle.ts';
import { taintEvictionController } from '../../../src/controllers/tainteviction.ts';
import { type Cluster, eventually, startCluster } from './harness.ts';

async function addNode({ client }: Cluster, name: string, ready = 'True'): Promise<void> {
  await client.resource(nodes).create({ metadata: { name }, spec: {} });
  const status = { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: timeOf(new Date()) }] };
  await client.resource(nodes).patch('', name, 'merge', { status }, { subresource: 'status' });
}
const taintsOf = ({ spec }: Node): string[] => (spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
const pod = (name: string, tolerations: Pod['spec']['tolerations'] = []): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { nodeName: 'lost', containers: [{ name: 'c', image: 'i' }], tolerations, terminationGracePeriodSeconds: 0 },
});

test('a node that goes silent is marked, tainted, and emptied; one that renews its lease stays', async () => {
  await using cluster = await startCluster({
    controllers: [nodeLifecycleController, taintEvictionController],
    settings: { nodeMonitorGraceMs: 1_500, nodeMonitorPeriodMs: 50 },
  });
  const { client } = cluster;
  await client.resource(namespaces).create({ metadata: { name: 'kube-node-lease' }, spec: {} });
  await addNode(cluster, 'lost');
  await addNode(cluster, 'well');
  const lease = client.resource(leases);
  await lease.create({ metadata: { name: 'well', namespace: 'kube-node-lease' }, spec: { renewTime: microTimeOf(new Date()) } });
  const renew = () => lease.patch('kube-node-lease', 'well', 'merge', { spec: { renewTime: microTimeOf(new Date()) } });
  const renewing = setInterval(() => void renew().catch(() => {}), 100);
  try {
    const forever = [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists' }];
    await client.resource(pods).create(pod('leaves'));
    await client.resource(pods).create(pod('stays', forever));
    const node = await eventually(async () => {
      const found = await client.resource(nodes).get('', 'lost');
      return taintsOf(found).length === 2 && found;
    }, 'taints');
    assert.deepEqual(taintsOf(node), ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule']);
    const condition = node.status!.conditions!.find(({ type }) => type === 'Ready')!;
    assert.deepEqual([condition.status, condition.reason, condition.message], ['Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.']);
    await eventually(async () => (await cluster.pods()).map(({ metadata }) => metadata.name).join() === 'stays', 'eviction');
    await eventually(
      async () => (await cluster.pods())[0]?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False'),
      'pod not ready',
    );
    await eventually(async () => (await cluster.events('stays')).includes('NodeNotReady Node is not ready'), 'event of the pod');
    for (const event of ['RegisteredNode Node lost event: Registered Node lost in Controller', 'NodeNotReady Node lost status is now: NodeNotReady'])
      await eventually(async () => (await cluster.events('lost')).includes(event), event);
    // A machine that stands still for longer than the grace makes it seem lost too, until the next renewal.
    await eventually(async () => {
      const { spec, status } = await client.resource(nodes).get('', 'well');
      return !spec.taints?.length && status?.conditions?.[0]?.status === 'True';
    }, 'the other to be well');
    await client
      .resource(nodes)
      .updateStatus({ ...node, status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: timeOf(new Date(Date.now() + 5000)) }] } });
    await eventually(async () => taintsOf(await client.resource(nodes).get('', 'lost')).length === 0, 'taints to go');
  } finally {
    clearInterval(renewing);
  }
});

test('a pod stays for as long as it tolerates the taint', async () => {
  await using cluster = await startCluster({ controllers: [taintEvictionController] });
  const { client } = cluster;
  await addNode(cluster, 'lost');
  await client.resource(pods).create(pod('patient', [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }]));
  const since = performance.now();
  await client.resource(nodes).patch('', 'lost', 'merge', { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } });
  await eventually(async () => (await cluster.pods()).length === 0, 'eviction');
  const stayedMs = performance.now() - since;
  assert.ok(stayedMs > 990, `${stayedMs} ms`);
  await eventually(async () => (await cluster.events('patient')).includes('TaintManagerEviction Marking for deletion Pod default/patient'), 'event');
});

test('conditions and cordoning become taints', async () => {
  await using cluster = await startCluster({ controllers: [nodeLifecycleController] });
  const { client } = cluster;
  await addNode(cluster, 'a');
  await addNode(cluster, 'sick', 'False');
  await client.resource(nodes).patch('', 'a', 'merge', { spec: { unschedulable: true } });
  await eventually(async () => taintsOf(await client.resource(nodes).get('', 'a')).join() === 'node.kubernetes.io/unschedulable:NoSchedule', 'cordon');
  const expected = 'node.kubernetes.io/not-ready:NoExecute,node.kubernetes.io/not-ready:NoSchedule';
  await eventually(async () => taintsOf(await client.resource(nodes).get('', 'sick')).join() === expected, 'not ready');
});

test('every node gets a range of its own, and the range of a node that is gone is free again', async () => {
  await using cluster = await startCluster({ controllers: [nodeIpamController], settings: { clusterCidr: '10.244.0.0/23', nodeCidrMaskSize: 24 } });
  const { client } = cluster;
  const rangeOf = (name: string) => eventually(async () => (await client.resource(nodes).get('', name)).spec.podCIDR, `range of ${name}`);
  await addNode(cluster, 'a');
  assert.equal(await rangeOf('a'), '10.244.0.0/24');
  await addNode(cluster, 'b');
  assert.equal(await rangeOf('b'), '10.244.1.0/24');
  await addNode(cluster, 'c');
  await client.resource(nodes).delete('', 'a');
  assert.equal(await rangeOf('c'), '10.244.0.0/24');
});
