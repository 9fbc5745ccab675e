/** A node that stops answering: NotReady after its grace, tainted, its pods replaced elsewhere; it comes back, and its old pods end. Two nodes, minutes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, startTestCluster, type TestCluster } from '../e2e/cluster.ts';
import { busybox, importBusybox } from '../e2e/images.ts';

interface Node {
  spec: { taints?: { key: string; effect: string }[] };
  status: { conditions: { type: string; status: string; reason: string }[] };
}
interface PodList {
  items: { metadata: { name: string; uid: string; deletionTimestamp?: string }; spec: { nodeName: string }; status: { phase: string } }[];
}

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ nodes: 2 });
  await importBusybox(cluster);
});
after(() => cluster.down());

const ready = async (name: string): Promise<string | undefined> =>
  (await cluster.get<Node>('node', name)).status.conditions.find(({ type }) => type === 'Ready')?.status;
const runningPods = async (): Promise<PodList['items']> =>
  (await cluster.get<PodList>('pods', '-l', 'app=web')).items.filter(({ metadata, status }) => status.phase === 'Running' && !metadata.deletionTimestamp);

test('pods of a lost node are replaced on another, and the node returns clean', { timeout: 300_000 }, async () => {
  // Pods leave an unreachable node after five minutes unless they say otherwise.
  const tolerations = ['unreachable', 'not-ready'].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 2,
  }));
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { tolerations, terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: busybox, command: ['sleep', '3600'] }] },
  };
  const spec = { replicas: 4, selector: { matchLabels: { app: 'web' } }, template };
  await cluster.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec });
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  const first = await runningPods();
  const lost = 'node-2';
  assert.ok(first.some(({ spec: { nodeName } }) => nodeName === lost));
  const status = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout) as { processes: { name: string; pid: number }[] };
  const agent = status.processes.find(({ name }) => name === `${lost}/agent`)?.pid ?? 0;
  assert.ok(agent > 0);
  // Stopped, not ended: the supervisor sees nothing wrong, as with a machine that hangs.
  process.kill(agent, 'SIGSTOP');
  try {
    await eventually('the node is not heard of', async () => (await ready(lost)) === 'Unknown', 90_000);
    await eventually('it is tainted', async () => {
      const { taints = [] } = (await cluster.get<Node>('node', lost)).spec;
      return ['NoSchedule', 'NoExecute'].every((effect) => taints.some((taint) => taint.key === 'node.kubernetes.io/unreachable' && taint.effect === effect));
    });
    await eventually('four pods run on the other node', async () => {
      const pods = await runningPods();
      return pods.length === 4 && pods.every(({ spec: { nodeName } }) => nodeName !== lost);
    });
    // Nobody can say that they ended: they stay, marked, until their node does.
    const { items } = await cluster.get<PodList>('pods', '-l', 'app=web');
    assert.ok(items.some(({ metadata, spec: { nodeName } }) => nodeName === lost && metadata.deletionTimestamp));
  } finally {
    process.kill(agent, 'SIGCONT');
  }
  await eventually('the node is back', async () => (await ready(lost)) === 'True');
  await eventually('its taints are gone', async () => ((await cluster.get<Node>('node', lost)).spec.taints ?? []).length === 0);
  await eventually('its old pods ended', async () => {
    const { items } = await cluster.get<PodList>('pods', '-l', 'app=web');
    return items.length === 4 && items.every(({ spec: { nodeName } }) => nodeName !== lost);
  });
});
