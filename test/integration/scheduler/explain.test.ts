import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { textOf } from '../../../src/cli/commands/explainscheduling.ts';
import { createInformerFactory } from '../../../src/client/informers.ts';
import type { Explanation } from '../../../src/scheduler/explain/explain.ts';
import { explainPod } from '../../../src/scheduler/explain/state.ts';
import { startScheduling } from './harness.ts';

async function startExplaining() {
  const cluster = await startScheduling();
  return {
    ...cluster,
    async explain(name: string): Promise<Explanation> {
      const informers = createInformerFactory(cluster.client, { log: pino({ level: 'silent' }) });
      const explanation = await explainPod({ client: cluster.client, informers }, 'default', name);
      assert.ok(explanation, `${name} is there`);
      return explanation;
    },
  };
}

test('of a pod that is bound it is said why it would go there, plugin by plugin', async () => {
  await using cluster = await startExplaining();
  await cluster.addNode('big', '8');
  await cluster.addNode('small', '1');
  await cluster.addNode('tainted', '8', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });
  await cluster.addPod('p', '2');
  assert.equal(await cluster.nodeOf('p'), 'big');
  const explanation = await cluster.explain('p');
  assert.deepEqual([explanation.boundTo, explanation.best], ['big', ['big']]);
  const [first, ...others] = explanation.nodes;
  assert.equal(
    first!.total,
    first!.scores!.reduce((sum, { score, weight }) => sum + score * weight, 0),
  );
  assert.ok(first!.scores!.some(({ plugin, score }) => plugin === 'NodeResourcesFit' && score > 0));
  assert.deepEqual(
    others.map(({ node, rejectedBy }) => [node, rejectedBy!.plugin, rejectedBy!.reasons.join()]),
    [
      ['small', 'NodeResourcesFit', 'Insufficient cpu'],
      ['tainted', 'TaintToleration', 'node(s) had untolerated taint(s)'],
    ],
  );
  const text = textOf(explanation);
  assert.match(text, /^Pod default\/p, profile default-scheduler\nIt is on big\./);
  assert.match(text, /\nChosen: big\n/);
  assert.match(text, /\nsmall +NodeResourcesFit +Insufficient cpu \(preemption does not help\)\n/);
});

test('of a pod that waits it is said what keeps it away, and who would have to go', async () => {
  await using cluster = await startExplaining();
  await cluster.addNode('a', '1');
  await cluster.addPod('low', '1', { nodeName: 'a' });
  await cluster.addPod('waits', '1');
  const { message } = await cluster.condition('waits');
  assert.equal((await cluster.explain('waits')).message, message!.replace('no new claims to deallocate, ', ''));
  await cluster.addPod('gated', '1', { priority: 10, schedulingGates: [{ name: 'example.com/g' }] });
  const explanation = await cluster.explain('gated');
  assert.equal(explanation.gated, 'SchedulingGates: waiting for scheduling gates: [example.com/g]');
  assert.deepEqual(explanation.preemption, [{ node: 'a', victims: [{ pod: 'default/low', priority: 0 }], budgetsViolated: 0, chosen: true }]);
  assert.match(textOf(explanation), /default\/low \(priority 0\) +0 +chosen/);
});
