import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../testing/pods.ts';
import { pressureRefusal } from './admit.ts';
import { crossed, type EvictionSettings, type Observations, thresholdsOf } from './thresholds.ts';
import { createPressureTracker } from './tracker.ts';

const settings = (more: Partial<EvictionSettings>): EvictionSettings => ({
  evictionHard: {},
  evictionSoft: {},
  evictionSoftGracePeriod: {},
  evictionMinimumReclaim: {},
  ...more,
});
const read = (more: Partial<EvictionSettings>) => thresholdsOf(settings(more));
const disk = (available: number): Observations => ({ 'nodefs.available': { available, capacity: 1000 } });

test('thresholds are shares or amounts, and 0% and 100% switch them off', () => {
  assert.deepEqual(read({ evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '10%', 'imagefs.available': '0%', 'pid.available': '100%' } }), [
    { signal: 'memory.available', limit: { amount: 1048576 } },
    { signal: 'nodefs.available', limit: { share: 0.1 } },
  ]);
  assert.throws(() => read({ evictionHard: { 'disk.free': '1' } }), { message: 'unsupported eviction signal disk.free' });
  assert.throws(() => read({ evictionHard: { 'nodefs.available': '-1%' } }), {
    message: 'eviction percentage threshold nodefs.available must be >= 0%: -1%',
  });
  assert.throws(() => read({ evictionHard: { 'memory.available': '0' } }), { message: 'eviction threshold memory.available must be positive: 0' });
  assert.throws(() => read({ evictionSoft: { 'memory.available': '1Gi' } }), {
    message: 'grace period must be specified for the soft eviction threshold memory.available',
  });
});

test('what has to be won back counts after a threshold was crossed', () => {
  const [threshold] = read({ evictionHard: { 'nodefs.available': '10%' }, evictionMinimumReclaim: { 'nodefs.available': '50' } });
  assert.ok(threshold);
  assert.deepEqual([crossed([threshold], disk(99)).length, crossed([threshold], disk(100)).length, crossed([threshold], disk(100), true).length], [1, 0, 1]);
  assert.deepEqual(crossed([threshold], { 'nodefs.available': { available: 0, capacity: 0 } }), []);
});

test('a soft threshold waits for its grace period, and a condition outlasts the pressure', () => {
  const thresholds = read({ evictionSoft: { 'nodefs.available': '10%' }, evictionSoftGracePeriod: { 'nodefs.available': '1m' } });
  const tracker = createPressureTracker(thresholds, 300_000);
  assert.deepEqual(tracker.observe(disk(50), 0), []);
  assert.deepEqual([...tracker.conditions()], ['DiskPressure']);
  assert.equal(tracker.observe(disk(50), 60_000).length, 1);
  assert.deepEqual(tracker.observe(disk(500), 70_000), []);
  assert.deepEqual([...tracker.conditions()], ['DiskPressure']);
  tracker.observe(disk(500), 360_000);
  assert.deepEqual([...tracker.conditions()], []);
  assert.deepEqual(tracker.observe(disk(50), 361_000), [], 'the grace period starts anew');
});

test('memory goes first', () => {
  const tracker = createPressureTracker(read({ evictionHard: { 'nodefs.available': '10%', 'memory.available': '10' } }), 0);
  const met = tracker.observe({ ...disk(1), 'memory.available': { available: 1, capacity: 100 } }, 0);
  assert.deepEqual(
    met.map(({ signal }) => signal),
    ['memory.available', 'nodefs.available'],
  );
});

test('which pods a node under pressure takes', () => {
  const memory = new Set(['MemoryPressure'] as const);
  const full = new Set(['DiskPressure'] as const);
  const burstable = pod({ containers: [{ name: 'c', image: 'x', resources: { requests: { memory: '1Mi' } } }] });
  assert.equal(pressureRefusal(pod(), new Set()), undefined);
  assert.deepEqual(pressureRefusal(pod(), memory), { reason: 'Evicted', message: 'The node had condition: [MemoryPressure]. ' });
  assert.equal(pressureRefusal(burstable, memory), undefined);
  assert.equal(pressureRefusal(pod({ tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] }), memory), undefined);
  assert.equal(pressureRefusal(burstable, full)?.reason, 'Evicted');
  assert.equal(pressureRefusal(pod({ priority: 2_000_000_000 }), full), undefined);
});
