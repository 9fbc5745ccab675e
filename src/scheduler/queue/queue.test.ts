import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WakeRule } from '../framework/plugin.ts';
import { createPodInfo } from '../state/podinfo.ts';
import { makeNode, makePod } from '../testing/cluster.ts';
import { createSchedulingQueue, type SchedulingQueue } from './queue.ts';
import { nodeEvents, podEvents, selfEvents } from './rules.ts';

function makeQueue() {
  let time = 1_000;
  const queue = createSchedulingQueue({
    rules: new Map<string, readonly WakeRule[]>([
      ['Fit', [{ on: 'pod/delete' }]],
      ['Taints', [{ on: 'node/taints', helps: (_pod, event) => event.resource === 'node' && !event.object?.spec.taints?.length }]],
    ]),
    isGated: ({ spec }) => (spec.schedulingGates?.length ?? 0) > 0,
    onReady: () => {},
    now: () => time,
  });
  return { queue, pass: (milliseconds: number) => (time += milliseconds) };
}

const names = (queue: SchedulingQueue): string[] => {
  const list: string[] = [];
  for (let pod = queue.next(); pod; pod = queue.next()) list.push(pod.info.pod.metadata.name);
  return list;
};

test('more important pods come first, of equals the older', () => {
  const { queue, pass } = makeQueue();
  for (const [name, priority] of [
    ['old', 1],
    ['young', 1],
    ['important', 5],
  ] as const) {
    queue.add(createPodInfo(makePod(name, { priority })));
    pass(1);
  }
  assert.deepEqual(names(queue), ['important', 'old', 'young']);
  queue.stop();
});

test('an unschedulable pod sleeps until an event that its plugin waits for', () => {
  const { queue } = makeQueue();
  queue.add(createPodInfo(makePod('p')));
  queue.sleep(queue.next()!, new Set(['Fit']));
  queue.wake({ resource: 'node', action: 'taints', object: makeNode('n') });
  assert.deepEqual(names(queue), []);
  assert.equal(queue.counts.unschedulable, 1);
  queue.wake({ resource: 'pod', action: 'delete' });
  assert.deepEqual(names(queue), ['p']);
  queue.stop();
});

test('a hint that says no lets it sleep on', () => {
  const { queue } = makeQueue();
  queue.add(createPodInfo(makePod('p')));
  queue.sleep(queue.next()!, new Set(['Taints']));
  queue.wake({ resource: 'node', action: 'taints', object: makeNode('n', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }) });
  assert.equal(queue.counts.unschedulable, 1);
  queue.wake({ resource: 'node', action: 'taints', object: makeNode('n') });
  assert.deepEqual(names(queue), ['p']);
  queue.stop();
});

test('a failed attempt backs off, and other pods go on', () => {
  const { queue } = makeQueue();
  queue.add(createPodInfo(makePod('failed')));
  queue.backOff(queue.next()!);
  queue.add(createPodInfo(makePod('other')));
  assert.deepEqual(names(queue), ['other']);
  assert.equal(queue.counts.backoff, 1);
  queue.stop();
});

test('a gated pod waits for its gates', () => {
  const { queue } = makeQueue();
  const pod = makePod('p');
  const gated = { ...pod, spec: { ...pod.spec, schedulingGates: [{ name: 'example.com/quota' }] } };
  queue.add(createPodInfo(gated));
  assert.deepEqual(names(queue), []);
  assert.equal(queue.counts.gated, 1);
  queue.update(createPodInfo(pod), selfEvents(pod, gated));
  assert.deepEqual(names(queue), ['p']);
  queue.stop();
});

test('a pod that is deleted while it waits is not tried', () => {
  const { queue } = makeQueue();
  const info = createPodInfo(makePod('p'));
  queue.add(info);
  queue.remove(info.uid);
  assert.deepEqual(names(queue), []);
  queue.stop();
});

test('heartbeats wake nobody, changes that matter do', () => {
  const node = makeNode('n');
  assert.deepEqual(nodeEvents({ ...node, status: { ...node.status, conditions: [{ type: 'Ready', status: 'True' }] } }, node), []);
  assert.deepEqual(
    nodeEvents(makeNode('n', { cpu: '8' }), node).map(({ action }) => action),
    ['allocatable'],
  );
  const pod = makePod('p', { node: 'n', cpu: '2' });
  const smaller = { ...pod, spec: { ...pod.spec, containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }] } };
  assert.deepEqual(
    podEvents(smaller, pod).map(({ action }) => action),
    ['scaledown'],
  );
  assert.deepEqual(podEvents(pod, smaller), []);
});
