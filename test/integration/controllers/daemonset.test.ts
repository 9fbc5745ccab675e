import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonsets } from '../../../src/api/apps/v1/daemonset.ts';
import type { DaemonSet, DaemonSetSpec } from '../../../src/api/apps/v1/types.gen.ts';
import { nodes as nodeKind } from '../../../src/api/core/v1/node.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import type { Node, Taint } from '../../../src/api/core/v1/types.gen.ts';
import { daemonSetController } from '../../../src/controllers/daemonset/daemonset.ts';
import { targetNode } from '../../../src/controllers/daemonset/placement.ts';
import { type Cluster, eventually, startCluster, workload } from './harness.ts';

const controllers = [daemonSetController];
const node = (name: string, labels: Record<string, string> = {}, taints: Taint[] = []): Node => ({ metadata: { name, labels }, spec: { taints } });
const daemonSet = (spec: Partial<DaemonSetSpec> = {}): DaemonSet => ({
  metadata: { name: 'agent', namespace: 'default' },
  spec: { ...workload('agent'), ...spec },
});

async function start(names: Node[], set: DaemonSet): Promise<Cluster> {
  const cluster = await startCluster({ controllers });
  for (const one of names) await cluster.client.resource(nodeKind).create(one);
  await cluster.client.resource(daemonsets).create(set);
  return cluster;
}

const placed = async (cluster: Cluster): Promise<string[]> => (await cluster.pods()).map((pod) => targetNode(pod) ?? '').sort();
const settled = (cluster: Cluster, count: number): Promise<DaemonSet> =>
  eventually(async () => {
    const set = await cluster.client.resource(daemonsets).get('default', 'agent');
    const { status, metadata } = set;
    const done =
      status?.observedGeneration === metadata.generation && status?.desiredNumberScheduled === count && (status?.updatedNumberScheduled ?? 0) === count;
    return done && (status?.numberAvailable ?? 0) === count && set;
  }, `${count} available pods`);

test('every node that fits gets a pod, which is bound to it by affinity', async () => {
  await using cluster = await start(
    [
      node('one', { role: 'worker' }),
      node('two', { role: 'worker' }),
      node('three'),
      node('tainted', { role: 'worker' }, [{ key: 'only', effect: 'NoSchedule' }]),
    ],
    daemonSet({ template: { ...workload('agent').template, spec: { ...workload('agent').template.spec, nodeSelector: { role: 'worker' } } } }),
  );
  await settled(cluster, 2);
  assert.deepEqual(await placed(cluster), ['one', 'two']);
  const [pod] = await cluster.pods();
  assert.ok(pod?.spec.tolerations?.some(({ key, effect }) => key === 'node.kubernetes.io/unschedulable' && effect === 'NoSchedule'));
  assert.ok(pod?.metadata.labels?.['controller-revision-hash']);

  const nodes = cluster.client.resource(nodeKind);
  await nodes.patch('', 'three', 'merge', { metadata: { labels: { role: 'worker' } } });
  await settled(cluster, 3);
  await nodes.patch('', 'one', 'merge', { spec: { taints: [{ key: 'only', effect: 'NoSchedule' }] } });
  await eventually(
    async () => (await cluster.client.resource(daemonsets).get('default', 'agent')).status?.numberMisscheduled === 1,
    'the pod to be misscheduled',
  );
  assert.deepEqual(await placed(cluster), ['one', 'three', 'two']);
  await nodes.patch('', 'one', 'merge', { spec: { taints: [{ key: 'only', effect: 'NoExecute' }] } });
  await eventually(async () => (await placed(cluster)).length === 2, 'the pod to go');
});

test('a rolling update replaces one pod after the other, and a rollback takes the old revision', async () => {
  await using cluster = await start([node('a'), node('b'), node('c')], daemonSet());
  const first = await settled(cluster, 3);
  const before = (await cluster.pods())[0]?.metadata.labels?.['controller-revision-hash'];
  const client = cluster.client.resource(daemonsets);
  const setImage = (image: string) =>
    client.patch('default', 'agent', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } });
  await setImage('web:2');
  const second = await eventually(async () => {
    const set = await settled(cluster, 3);
    return set.metadata.generation !== first.metadata.generation && set;
  }, 'the update');
  assert.ok((await cluster.pods()).every((pod) => pod.spec.containers[0]?.image === 'web:2'));
  assert.equal(second.status?.updatedNumberScheduled, 3);
  await setImage('web:1');
  await settled(cluster, 3);
  assert.ok((await cluster.pods()).every((pod) => pod.metadata.labels?.['controller-revision-hash'] === before));
});

test('a surge starts the new pod beside the old one', async () => {
  await using cluster = await start([node('a')], daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
  await settled(cluster, 1);
  const pods = cluster.client.resource(podKind);
  const stop = new AbortController();
  const { metadata, items } = await pods.list('default');
  /** From one to two, and back to one, by the watch's own account: a list may come when both have happened. */
  const counts = (async () => {
    const names = new Set(items.map((pod) => pod.metadata.name));
    const seen: number[] = [];
    for await (const { type, object } of pods.watch('default', { resourceVersion: metadata?.resourceVersion ?? '' }, stop.signal)) {
      if (type === 'DELETED') names.delete(object.metadata.name);
      else if (type === 'ADDED') names.add(object.metadata.name);
      if (names.size !== seen.at(-1)) seen.push(names.size);
      if (type === 'DELETED') break;
    }
    return seen;
  })();
  await cluster.client
    .resource(daemonsets)
    .patch('default', 'agent', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image: 'web:2' }] } } } });
  await eventually(async () => {
    const [pod, ...more] = await cluster.pods();
    return more.length === 0 && pod?.spec.containers[0]?.image === 'web:2';
  }, 'the update');
  assert.deepEqual(await counts, [2, 1]);
  stop.abort();
});

test('OnDelete waits for somebody to delete, and a failed pod is replaced', async () => {
  await using cluster = await start([node('a')], daemonSet({ updateStrategy: { type: 'OnDelete' } }));
  await settled(cluster, 1);
  await cluster.client
    .resource(daemonsets)
    .patch('default', 'agent', 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image: 'web:2' }] } } } });
  await cluster.rest();
  const pods = cluster.client.resource(podKind);
  const [old] = await cluster.pods();
  assert.equal(old?.spec.containers[0]?.image, 'web:1');
  await pods.updateStatus({ ...old!, status: { ...old!.status, phase: 'Failed' } });
  await settled(cluster, 1);
  assert.deepEqual(
    (await cluster.pods()).map((pod) => pod.spec.containers[0]?.image),
    ['web:2'],
  );
  await eventually(
    async () => (await cluster.events('agent')).some((text) => text.startsWith('FailedDaemonPod Found failed daemon pod default/agent-')),
    'the event',
  );
});
