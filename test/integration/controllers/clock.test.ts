/** The time of day jumps, by a day and backwards: what waits for a while waits for that while, and nothing is taken for dead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { cronjobs } from '../../../src/api/batch/v1/cronjob.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { timeOf } from '../../../src/apimachinery/meta.ts';
import { cronJobController } from '../../../src/controllers/cronjob/cronjob.ts';
import { nodeLifecycleController } from '../../../src/controllers/nodelifecycle/nodelifecycle.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { taintEvictionController } from '../../../src/controllers/tainteviction.ts';
import { type Cluster, eventually, startCluster, workload } from './harness.ts';

const day = 86_400_000;
const named = (name: string) => ({ name, namespace: 'default' });

async function addNode({ client }: Cluster, name: string): Promise<void> {
  await client.resource(nodes).create({ metadata: { name }, spec: {} });
  const status = { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: timeOf(new Date()) }] };
  await client.resource(nodes).patch('', name, 'merge', { status }, { subresource: 'status' });
}

test('no node is lost and no pod evicted before its time; sets of pods grow as they should', async () => {
  let wrongMs = 0;
  await using cluster = await startCluster({
    controllers: [nodeLifecycleController, taintEvictionController, replicaSetController],
    settings: { nodeMonitorPeriodMs: 50 },
    now: () => new Date(Date.now() + wrongMs),
  });
  const { client } = cluster;
  for (const name of ['well', 'tainted']) await addNode(cluster, name);
  const tolerations = [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3_600 }];
  const containers = [{ name: 'c', image: 'i' }];
  await client.resource(pods).create({ metadata: named('patient'), spec: { nodeName: 'tainted', containers, tolerations } });
  await client.resource(nodes).patch('', 'tainted', 'merge', { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } });
  await client.resource(replicasets).create({ metadata: named('web'), spec: { replicas: 1, ...workload('web') } });
  const uids = async (): Promise<string[]> => (await cluster.pods()).map(({ metadata }) => metadata.uid ?? '');
  const has = (replicas: number): Promise<boolean> =>
    eventually(async () => (await client.resource(replicasets).get('default', 'web')).status?.readyReplicas === replicas, `${replicas} pods`);
  await has(1);
  let before = await uids();
  for (const [index, jump] of [day, -day, day, 0].entries()) {
    wrongMs = jump;
    // Every controller looks at what is its own, by the new time.
    for (const name of ['well', 'tainted']) await client.resource(nodes).patch('', name, 'merge', { metadata: { labels: { round: String(index) } } });
    await client.resource(pods).patch('default', 'patient', 'merge', { metadata: { labels: { round: String(index) } } });
    await client.resource(replicasets).patch('default', 'web', 'merge', { spec: { replicas: index + 2 } });
    await has(index + 2);
    const now = await uids();
    assert.deepEqual(
      before.filter((uid) => !now.includes(uid)),
      [],
    );
    before = now;
  }
  assert.equal(before.length, 6);
  for (const { metadata, spec, status } of (await client.resource(nodes).list('')).items) {
    assert.deepEqual(
      (spec.taints ?? []).map(({ key }) => key),
      metadata.name === 'tainted' ? ['k'] : [],
    );
    assert.deepEqual(
      status?.conditions?.map(({ type, status: value }) => [type, value]),
      [['Ready', 'True']],
    );
  }
  // The clock went back twice: events are written as before.
  await eventually(async () => (await cluster.events('web')).length === 5, 'an event for each pod');
});

test('a schedule that has missed more than a hundred starts says so, and makes up for one of them', async () => {
  await using cluster = await startCluster({ controllers: [cronJobController], now: () => new Date(Date.now() + day) });
  const { client } = cluster;
  const jobTemplate = { spec: { template: { metadata: { name: '' }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } } };
  await client.resource(cronjobs).create({ metadata: named('often'), spec: { schedule: '* * * * *', concurrencyPolicy: 'Forbid', jobTemplate } });
  const text = 'TooManyMissedTimes too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
  await eventually(async () => (await cluster.events('often')).includes(text), 'the event');
  await eventually(async () => (await client.resource(cronjobs).get('default', 'often')).status?.lastScheduleTime !== undefined, 'a start');
  assert.equal((await client.resource(jobs).list('default')).items.length, 1);
});
