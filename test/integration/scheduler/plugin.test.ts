import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSchedulerFile, schedulerConfiguration } from '../../../src/cluster/controlplane/schedulerconfig.ts';
import { loadPlugins } from '../../../src/scheduler/profiles.ts';
import { startScheduling } from './harness.ts';

const example = fileURLToPath(new URL('../../../examples/scheduler-plugin/scheduler.yaml', import.meta.url));

test('a plugin from outside the tree filters, scores, and wakes what it refused', async () => {
  const configuration = schedulerConfiguration(readSchedulerFile(example));
  assert.match(configuration.modules['RackPower']!, /\/examples\/scheduler-plugin\/rackpower\.ts$/);
  await using cluster = await startScheduling({ configuration, plugins: await loadPlugins(configuration) });
  for (const [name, rack] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
  ] as const) {
    await cluster.addNode(name, '8', { metadata: { name, labels: { 'example.com/rack': rack } } });
  }
  const draws = (watts: number) => ({ labels: { 'example.com/watts': String(watts) } });
  await cluster.addPod('first', '100m', { nodeName: 'a1' }, draws(400));
  await cluster.addPod('second', '100m', {}, draws(300));
  assert.equal(await cluster.nodeOf('second'), 'b1');
  await cluster.addPod('third', '100m', {}, draws(300));
  assert.match((await cluster.condition('third')).message!, /^0\/3 nodes are available: 3 node\(s\)' rack is out of power\./);
  await cluster.pods.delete('default', 'first', { gracePeriodSeconds: 0 });
  assert.match((await cluster.nodeOf('third')) ?? '', /^a/);
});

test('a plugin that is nowhere is named', async () => {
  const configuration = schedulerConfiguration(readSchedulerFile(example));
  await assert.rejects(loadPlugins({ ...configuration, modules: { RackPower: '/nowhere.ts' } }), /^Error: plugin "RackPower": can't load \/nowhere\.ts: /);
  await assert.rejects(
    startScheduling({ configuration }),
    /^Error: creating profile for scheduler name default-scheduler: \w+Plugin "RackPower" does not exist$/,
  );
});
