import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import type { Deployment, DeploymentSpec, ReplicaSet } from '../../../src/api/apps/v1/types.gen.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import type { Client } from '../../../src/client/client.ts';
import { deploymentController } from '../../../src/controllers/deployment/deployment.ts';
import { proportionalSizes } from '../../../src/controllers/deployment/scale.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { eventually, runningStatus, startCluster, workload } from './harness.ts';

const controllers = [deploymentController, replicaSetController];
const revision = 'deployment.kubernetes.io/revision';
const deployment = (name: string, replicas: number, spec: Partial<DeploymentSpec> = {}): Deployment => ({
  metadata: { name, namespace: 'default' },
  spec: { replicas, progressDeadlineSeconds: 600, ...workload(name), ...spec },
});

const sets = async (client: Client): Promise<ReplicaSet[]> =>
  (await client.resource(replicasets).list('default')).items.sort(
    (a, b) => Number(a.metadata.annotations?.[revision]) - Number(b.metadata.annotations?.[revision]),
  );

const setImage = (client: Client, name: string, image: string): Promise<Deployment> =>
  client.resource(deployments).patch('default', name, 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } });

const complete = (client: Client, name: string): Promise<Deployment> =>
  eventually(async () => {
    const found = await client.resource(deployments).get('default', name);
    const { status, spec, metadata } = found;
    const done = status?.observedGeneration === metadata.generation && status?.updatedReplicas === spec.replicas && status?.replicas === spec.replicas;
    return done && status?.availableReplicas === spec.replicas && found;
  }, `${name} to be rolled out`);

test('a Deployment makes a ReplicaSet, reports, and scales with it', async () => {
  await using cluster = await startCluster({ controllers });
  const client = cluster.client.resource(deployments);
  await client.create(deployment('web', 3));
  const rolledOut = await complete(cluster.client, 'web');
  assert.equal(rolledOut.metadata.annotations?.[revision], '1');
  const conditions = () =>
    eventually(async () => {
      const { status } = await client.get('default', 'web');
      const found = Object.fromEntries((status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
      return found['Progressing'] === 'True NewReplicaSetAvailable' && found;
    }, 'progress');
  assert.deepEqual(await conditions(), { Available: 'True MinimumReplicasAvailable', Progressing: 'True NewReplicaSetAvailable' });
  const [set] = await sets(cluster.client);
  const hash = set!.metadata.labels!['pod-template-hash']!;
  assert.equal(set!.metadata.name, `web-${hash}`);
  assert.equal(set!.spec.selector.matchLabels?.['pod-template-hash'], hash);
  assert.ok((await cluster.pods()).every((pod) => pod.metadata.name.startsWith(`web-${hash}-`) && pod.metadata.labels?.['pod-template-hash'] === hash));
  await client.patch('default', 'web', 'merge', { spec: { replicas: 5 } });
  await complete(cluster.client, 'web');
  assert.equal((await sets(cluster.client)).length, 1);
  await eventually(async () => {
    const events = await cluster.events('web');
    return (
      events.includes(`ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`) &&
      events.includes(`ScalingReplicaSet Scaled up replica set web-${hash} from 3 to 5`)
    );
  }, 'events');
});

test('a rolling update never has fewer available pods than allowed nor more pods, and a rollback goes back to the old ReplicaSet', async () => {
  await using cluster = await startCluster({ controllers });
  await cluster.client
    .resource(deployments)
    .create(deployment('web', 10, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '20%', maxUnavailable: 1 } } }));
  await complete(cluster.client, 'web');
  const [first] = await sets(cluster.client);
  const counting = new AbortController();
  const seen: { total: number; ready: number }[] = [];
  const watching = (async () => {
    const current = new Map((await cluster.pods()).map((pod) => [pod.metadata.name, pod]));
    for await (const { type, object } of cluster.client.resource(podKind).watch('default', {}, counting.signal)) {
      if (type === 'ERROR' || type === 'BOOKMARK') continue;
      if (type === 'DELETED') current.delete(object.metadata.name);
      else current.set(object.metadata.name, object);
      const all = [...current.values()];
      seen.push({ total: all.length, ready: all.filter((pod) => pod.status?.phase === 'Running').length });
    }
  })().catch(() => {});
  await setImage(cluster.client, 'web', 'web:2');
  const second = await complete(cluster.client, 'web');
  counting.abort();
  await watching;
  assert.ok(seen.length >= 20);
  assert.ok(Math.max(...seen.map(({ total }) => total)) <= 12, `at most 12 pods: ${JSON.stringify(seen)}`);
  assert.ok(Math.min(...seen.map(({ ready }) => ready)) >= 9, `at least 9 available: ${JSON.stringify(seen)}`);
  assert.equal(second.metadata.annotations?.[revision], '2');
  assert.deepEqual(
    (await sets(cluster.client)).map((set) => set.spec.replicas),
    [0, 10],
  );

  await setImage(cluster.client, 'web', 'web:1');
  const third = await complete(cluster.client, 'web');
  assert.equal(third.metadata.annotations?.[revision], '3');
  const after = await sets(cluster.client);
  assert.equal(after.length, 2);
  const back = after.find((set) => set.metadata.uid === first!.metadata.uid)!;
  assert.equal(back.spec.replicas, 10);
  assert.equal(back.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

test('Recreate starts nothing before the last old pod is gone', async () => {
  await using cluster = await startCluster({ controllers });
  await cluster.client.resource(deployments).create(deployment('web', 3, { strategy: { type: 'Recreate' } }));
  await complete(cluster.client, 'web');
  const pods = cluster.client.resource(podKind);
  const held = (await cluster.pods())[0]!.metadata.name;
  await pods.patch('default', held, 'merge', { metadata: { finalizers: ['example.com/hold'] } });
  await setImage(cluster.client, 'web', 'web:2');
  await eventually(async () => (await cluster.pods()).length === 1, 'two pods to go');
  await cluster.rest();
  assert.deepEqual(
    (await cluster.pods()).map((pod) => pod.metadata.name),
    [held],
  );
  await pods.patch('default', held, 'merge', { metadata: { finalizers: null } });
  await complete(cluster.client, 'web');
  assert.ok((await cluster.pods()).every((pod) => pod.spec.containers[0]?.image === 'web:2'));
});

test('a paused Deployment scales but rolls nothing out', async () => {
  await using cluster = await startCluster({ controllers });
  const client = cluster.client.resource(deployments);
  await client.create(deployment('web', 2));
  await complete(cluster.client, 'web');
  await client.patch('default', 'web', 'merge', { spec: { paused: true } });
  await eventually(async () => (await client.get('default', 'web')).status?.conditions?.some(({ reason }) => reason === 'DeploymentPaused'), 'the pause');
  await setImage(cluster.client, 'web', 'web:2');
  await client.patch('default', 'web', 'merge', { spec: { replicas: 4 } });
  await eventually(async () => (await cluster.pods()).length === 4, 'four pods');
  assert.equal((await sets(cluster.client)).length, 1);
  await client.patch('default', 'web', 'merge', { spec: { paused: false } });
  await complete(cluster.client, 'web');
  assert.equal((await sets(cluster.client)).length, 2);
});

test('a rollout that makes no progress within its deadline is reported', async () => {
  await using cluster = await startCluster({ controllers, kubelet: (pod) => (pod.spec.containers[0]?.image === 'web:bad' ? undefined : runningStatus()) });
  const client = cluster.client.resource(deployments);
  await client.create(deployment('web', 2, { progressDeadlineSeconds: 1 }));
  await complete(cluster.client, 'web');
  await setImage(cluster.client, 'web', 'web:bad');
  const condition = await eventually(async () => {
    const { status } = await client.get('default', 'web');
    return status?.conditions?.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded');
  }, 'the deadline');
  assert.equal(condition.status, 'False');
  assert.match(condition.message ?? '', /^ReplicaSet "web-[^"]+" has timed out progressing\.$/);
  assert.equal((await client.get('default', 'web')).status?.availableReplicas, 2);
});

test('old ReplicaSets beyond the history limit are deleted', async () => {
  await using cluster = await startCluster({ controllers });
  await cluster.client.resource(deployments).create(deployment('web', 1, { revisionHistoryLimit: 1 }));
  await complete(cluster.client, 'web');
  for (const image of ['web:2', 'web:3', 'web:4']) {
    await setImage(cluster.client, 'web', image);
    await complete(cluster.client, 'web');
  }
  const left = await eventually(async () => {
    const found = await sets(cluster.client);
    return found.length === 2 && found;
  }, 'cleanup');
  assert.deepEqual(
    left.map((set) => set.metadata.annotations?.[revision]),
    ['3', '4'],
  );
});

test('scaling during a rollout keeps the proportions', () => {
  const spec = { ...workload('web'), replicas: 20, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } };
  const set = (name: string, replicas: number): ReplicaSet => ({
    metadata: { name, annotations: { 'deployment.kubernetes.io/max-replicas': '13' } },
    spec: { ...workload('web'), replicas },
  });
  const sizes = proportionalSizes({ metadata: { name: 'web' }, spec }, [set('old', 8), set('new', 5)]);
  assert.deepEqual(
    sizes.map(({ set, replicas }) => [set.metadata.name, replicas]),
    [
      ['old', 14],
      ['new', 9],
    ],
  );
});
