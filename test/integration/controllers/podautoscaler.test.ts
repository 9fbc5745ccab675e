import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { horizontalpodautoscalers } from '../../../src/api/autoscaling/v2/horizontalpodautoscaler.ts';
import type { HorizontalPodAutoscalerSpec } from '../../../src/api/autoscaling/v2/types.gen.ts';
import type { Pod } from '../../../src/api/core/v1/types.gen.ts';
import { timeOf } from '../../../src/apimachinery/meta.ts';
import { deploymentController } from '../../../src/controllers/deployment/deployment.ts';
import { decide, newHistory, noteScale } from '../../../src/controllers/podautoscaler/behavior.ts';
import { type PodMetrics, proposeByShare, proposeByTotal, proposeByUtilization, proposeByValue } from '../../../src/controllers/podautoscaler/calculator.ts';
import { horizontalPodAutoscalerController } from '../../../src/controllers/podautoscaler/podautoscaler.ts';
import { replicaSetController } from '../../../src/controllers/replicaset/replicaset.ts';
import { type Cluster, eventually, startCluster, workload } from './harness.ts';

const controllers = [deploymentController, replicaSetController, horizontalPodAutoscalerController];

async function start(replicas: number, spec: Partial<HorizontalPodAutoscalerSpec>): Promise<Cluster> {
  const cluster = await startCluster({ controllers });
  await cluster.client.resource(deployments).create({ metadata: { name: 'web', namespace: 'default' }, spec: { replicas, ...workload('web') } });
  await cluster.client.resource(horizontalpodautoscalers).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      maxReplicas: 5,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      ...spec,
    },
  });
  return cluster;
}
const condition = (cluster: Cluster, type: string, reason: string) =>
  eventually(async () => {
    const { status } = await cluster.client.resource(horizontalpodautoscalers).get('default', 'web');
    return status?.conditions?.find((one) => one.type === type && one.reason === reason);
  }, `${type} ${reason}`);

test('a target outside the limits is brought inside without any metric', async () => {
  await using cluster = await start(8, { minReplicas: 2 });
  await eventually(async () => (await cluster.client.resource(deployments).get('default', 'web')).spec.replicas === 5, 'five replicas');
  await condition(cluster, 'AbleToScale', 'SucceededRescale');
  await eventually(
    async () => (await cluster.events('web')).includes('SuccessfulRescale New size: 5; reason: Current number of replicas above Spec.MaxReplicas'),
    'the event',
  );
});

test('without metrics nothing is scaled, and the status says why', async () => {
  await using cluster = await start(2, {});
  const active = await condition(cluster, 'ScalingActive', 'FailedGetResourceMetric');
  assert.equal(active.status, 'False');
  assert.match(
    active.message ?? '',
    /^the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: /,
  );
  assert.equal((await cluster.client.resource(deployments).get('default', 'web')).spec.replicas, 2);
});

test('a target that is not there is told of', async () => {
  await using cluster = await start(1, { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nobody' } });
  const able = await condition(cluster, 'AbleToScale', 'FailedGetScale');
  assert.equal(able.message, `the HPA controller was unable to get the target's current scale: deployments.apps "nobody" not found`);
});

const now = Date.parse('2026-01-01T12:00:00Z');
const pod = (name: string, request = '1', ready = true): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: 'main', resources: { requests: { cpu: request } } }] },
  status: {
    phase: 'Running',
    startTime: timeOf(new Date(now - 3_600_000)),
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: timeOf(new Date(now - 3_590_000)) }],
  },
});
const metrics = (values: Record<string, number>): PodMetrics =>
  new Map(Object.entries(values).map(([name, value]) => [name, { value, timestamp: now, windowMs: 60_000 }]));
const question = (pods: Pod[], values: Record<string, number>) => ({
  pods,
  metrics: metrics(values),
  current: pods.length,
  tolerances: { down: 0.1, up: 0.1 },
  resource: 'cpu',
  now,
});

describe('a proposal', () => {
  const three = [pod('a'), pod('b'), pod('c')];

  test('follows the ratio of use to target, outside the tolerance', () => {
    assert.deepEqual(proposeByUtilization(question(three, { a: 500, b: 500, c: 800 }), 30, ''), { replicas: 6, average: 600, utilization: 60 });
    assert.equal(proposeByUtilization(question(three, { a: 320, b: 320, c: 320 }), 30, '').replicas, 3);
    assert.equal(proposeByUtilization(question(three, { a: 100, b: 100, c: 100 }), 30, '').replicas, 1);
    assert.equal(proposeByValue(question(three, { a: 2_000, b: 2_000, c: 2_000 }), 1_000).replicas, 6);
  });

  test('takes missing pods for idle when it grows and for full when it shrinks', () => {
    assert.equal(proposeByUtilization(question(three, { a: 900, b: 900 }), 50, '').replicas, 4);
    assert.equal(proposeByUtilization(question(three, { a: 100, b: 100 }), 50, '').replicas, 3);
  });

  test('does not count on pods that were never ready', () => {
    const pods = [pod('a'), pod('b'), pod('c', '1', false)];
    assert.equal(proposeByUtilization(question(pods, { a: 900, b: 900, c: 1_000 }), 60, '').replicas, 3);
  });

  test('needs the requests of all pods', () => {
    const pods = [{ ...pod('a'), spec: { containers: [{ name: 'main' }] } }];
    assert.throws(() => proposeByUtilization(question(pods, { a: 1 }), 50, ''), /^Error: missing request for cpu in container main of Pod a$/);
  });

  test('for a total counts ready pods, for a share the total alone', () => {
    const tolerances = { down: 0.1, up: 0.1 };
    assert.equal(proposeByTotal(30_000, 10_000, 3, three, tolerances).replicas, 9);
    assert.deepEqual(proposeByShare(30_000, 5_000, 3, tolerances), { replicas: 6, average: 10_000 });
  });
});

describe('a proposal is followed', () => {
  const wish = { current: 4, min: 1, max: 20, now };

  test('upwards at once, though not more than twofold', () => {
    const { replicas, limited } = decide(newHistory(), { ...wish, proposed: 15 });
    assert.deepEqual([replicas, limited.reason], [8, 'ScaleUpLimit']);
    assert.equal(decide(newHistory(), { ...wish, proposed: 40, current: 15 }).limited.reason, 'TooManyReplicas');
  });

  test('downwards only when five minutes agree', () => {
    const history = newHistory();
    decide(history, { ...wish, proposed: 4 });
    const early = decide(history, { ...wish, proposed: 1, now: now + 60_000 });
    assert.deepEqual([early.replicas, early.stabilized.reason], [4, 'ScaleDownStabilized']);
    assert.equal(decide(history, { ...wish, proposed: 1, now: now + 301_000 }).replicas, 1);
  });

  test('as fast as its policies allow within their periods', () => {
    const behavior = {
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] },
      scaleDown: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Min',
        policies: [
          { type: 'Percent', value: 50, periodSeconds: 60 },
          { type: 'Pods', value: 1, periodSeconds: 60 },
        ],
      },
    };
    const history = newHistory();
    assert.equal(decide(history, { ...wish, proposed: 15, behavior }).replicas, 6);
    noteScale(history, 4, 6, now);
    assert.equal(decide(history, { ...wish, current: 6, proposed: 15, behavior, now: now + 30_000 }).replicas, 6);
    assert.equal(decide(history, { ...wish, current: 6, proposed: 15, behavior, now: now + 61_000 }).replicas, 8);
    assert.deepEqual(decide(newHistory(), { ...wish, proposed: 1, behavior }).replicas, 3);
    const disabled = { ...behavior, scaleDown: { ...behavior.scaleDown, selectPolicy: 'Disabled' } };
    assert.deepEqual(decide(newHistory(), { ...wish, proposed: 1, behavior: disabled }).replicas, 4);
  });
});
