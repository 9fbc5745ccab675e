import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackoff } from './backoff.ts';

test('the delay doubles with each failure up to the maximum, and starts over after a long quiet time', () => {
  let now = 0;
  const backoff = createBackoff(10, 80, () => now);
  assert.equal(backoff.isInBackOffSince('a', 0), false);
  const steps: number[] = [];
  for (let round = 0; round < 5; round++) {
    backoff.next('a', now);
    steps.push(backoff.get('a'));
    now += backoff.get('a');
  }
  assert.deepEqual(steps, [10, 20, 40, 80, 80]);
  const failed = now;
  now += 79;
  assert.equal(backoff.isInBackOffSince('a', failed), true);
  now += 1;
  assert.equal(backoff.isInBackOffSince('a', failed), false);
  now += 500;
  backoff.next('a', now);
  assert.equal(backoff.get('a'), 10);
});

test('keys are forgotten by prefix', () => {
  const backoff = createBackoff(10, 80, () => 0);
  backoff.next('pod_a', 0);
  backoff.next('other', 0);
  backoff.delete('pod_');
  assert.deepEqual([backoff.get('pod_a'), backoff.get('other')], [0, 10]);
});
