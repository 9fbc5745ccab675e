import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { createPodInfo } from '../state/podinfo.ts';
import { makeCluster, makeNode, makePod, type TestCluster } from '../testing/cluster.ts';
import { findPreemption, type Preemption } from './preemption.ts';

function preempt(cluster: TestCluster, pod: Pod): Preemption {
  const decision = cluster.decide(pod);
  assert.equal(decision.outcome, 'none');
  if (decision.outcome !== 'none') throw new Error('unreachable');
  return findPreemption({
    pod: createPodInfo(pod),
    snapshot: cluster.snapshot,
    nominator: cluster.nominator,
    checks: decision.checks,
    diagnosis: decision.diagnosis,
    now: 0,
    random: () => 0,
  });
}

const outcome = (result: Preemption): string =>
  result.outcome === 'none' ? result.message : `${result.victims.node.name}: ${result.victims.pods.map(({ pod }) => pod.metadata.name).join(' ')}`;

const small = (name: string) => makeNode(name, { cpu: '1' });

test('as few and as unimportant pods go as possible', () => {
  const cluster = makeCluster({
    nodes: [small('a'), small('b')],
    pods: [
      makePod('a-low', { node: 'a', cpu: '400m', priority: 1 }),
      makePod('a-mid', { node: 'a', cpu: '600m', priority: 5 }),
      makePod('b-low', { node: 'b', cpu: '1', priority: 5 }),
    ],
  });
  assert.equal(outcome(preempt(cluster, makePod('p', { cpu: '400m', priority: 10 }))), 'a: a-low');
});

test('a disruption budget is broken only when there is no other way', () => {
  const guarded = { app: 'guarded' };
  const disruptionBudgets = [
    { metadata: { name: 'b', namespace: 'default' }, spec: { selector: { matchLabels: guarded } }, status: { disruptionsAllowed: 0 } },
  ];
  const pods = [makePod('guarded', { node: 'a', cpu: '1', priority: 1, labels: guarded }), makePod('plain', { node: 'b', cpu: '1', priority: 5 })];
  assert.equal(
    outcome(preempt(makeCluster({ nodes: [small('a'), small('b')], pods, disruptionBudgets }), makePod('p', { cpu: '1', priority: 10 }))),
    'b: plain',
  );
  assert.equal(
    outcome(preempt(makeCluster({ nodes: [small('a')], pods: pods.slice(0, 1), disruptionBudgets }), makePod('p', { cpu: '1', priority: 10 }))),
    'a: guarded',
  );
});

test('pods of equal priority stay, and it is said so', () => {
  const cluster = makeCluster({
    nodes: [small('a'), makeNode('tiny', { cpu: '100m' })],
    pods: [makePod('there', { node: 'a', cpu: '1', priority: 10 })],
  });
  assert.equal(
    outcome(preempt(cluster, makePod('p', { cpu: '1', priority: 10 }))),
    'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  );
});

test('a pod with preemptionPolicy Never waits', () => {
  const cluster = makeCluster({ nodes: [small('a')], pods: [makePod('there', { node: 'a', cpu: '1' })] });
  const pod = makePod('p', { cpu: '1', priority: 10 });
  pod.spec.preemptionPolicy = 'Never';
  assert.equal(outcome(preempt(cluster, pod)), 'preemption: not eligible due to preemptionPolicy=Never.');
});

test('while victims end, no more are chosen', () => {
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' };
  const leaving = makePod('leaving', { node: 'a', cpu: '1', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, status: { conditions: [condition] } });
  const cluster = makeCluster({ nodes: [small('a')], pods: [leaving] });
  const pod = makePod('p', { cpu: '1', priority: 10, status: { nominatedNodeName: 'a' } });
  assert.equal(outcome(preempt(cluster, pod)), 'preemption: not eligible due to a terminating pod on the nominated node.');
});

test('room that was promised to a more important pod is not given away', () => {
  const cluster = makeCluster({ nodes: [small('a')] });
  cluster.nominator.nominate(createPodInfo(makePod('important', { cpu: '1', priority: 10 })), 'a');
  assert.equal(cluster.place(makePod('p', { cpu: '1', priority: 1 })), '0/1 nodes are available: 1 Insufficient cpu.');
  assert.equal(cluster.place(makePod('q', { cpu: '1', priority: 20 })), 'a');
});

test('an anti-affinity that forbids a node can be resolved by preemption', () => {
  const apart = {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app: 'x' } }, topologyKey: 'kubernetes.io/hostname' }],
    },
  };
  const cluster = makeCluster({ nodes: [makeNode('a')], pods: [makePod('there', { node: 'a', labels: { app: 'x' } }), makePod('other', { node: 'a' })] });
  const pod = makePod('p', { priority: 10, spec: { priority: 10, containers: [{ name: 'c' }], affinity: apart } });
  assert.equal(outcome(preempt(cluster, pod)), 'a: there');
});
