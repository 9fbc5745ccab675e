import assert from 'node:assert/strict';
import test from 'node:test';
import { conflict } from '../apimachinery/errors.ts';
import { createExpectations, createUidExpectations } from './expectations.ts';
import { retryOnConflict } from './retry.ts';
import { createWorkQueue, runWorkers } from './workqueue.ts';

test('a key waits once, is handled by one worker at a time, and again when added meanwhile', async () => {
  const queue = createWorkQueue();
  queue.add('a');
  queue.add('a');
  queue.add('b');
  assert.equal(queue.length, 2);
  assert.equal(await queue.next(), 'a');
  queue.add('a');
  queue.add('a');
  assert.equal(await queue.next(), 'b');
  assert.equal(queue.length, 0, 'a is being handled');
  queue.done('a');
  assert.equal(await queue.next(), 'a');
  queue.done('a');
  assert.equal(queue.length, 0);
});

test('failures double the delay up to the limit until forgotten; the earliest of several delays counts', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = createWorkQueue({ baseDelayMs: 5, maxDelayMs: 20, now: Date.now });
  const delayOf = (): number => {
    queue.addRateLimited('k');
    for (let waited = 0; ; waited++) {
      if (queue.length === 1) {
        void queue.next();
        queue.done('k');
        return waited;
      }
      t.mock.timers.tick(1);
    }
  };
  assert.deepEqual([delayOf(), delayOf(), delayOf(), delayOf()], [5, 10, 20, 20]);
  assert.equal(queue.requeues('k'), 4);
  queue.forget('k');
  assert.equal(delayOf(), 5);
  queue.addAfter('k', 100);
  queue.addAfter('k', 10);
  queue.addAfter('k', 50);
  t.mock.timers.tick(10);
  assert.equal(queue.length, 1);
  void queue.next();
  queue.done('k');
  t.mock.timers.tick(200);
  assert.equal(queue.length, 0);
  queue.addAfter('month', 30 * 86_400_000);
  t.mock.timers.tick(2 ** 31);
  assert.equal(queue.length, 0, 'longer than a timer can be');
  t.mock.timers.tick(10 * 86_400_000);
  assert.equal(queue.length, 1);
});

test('what waits comes in its time when the clock is set back', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-02T00:00:00Z') });
  const queue = createWorkQueue();
  queue.addAfter('k', 5);
  t.mock.timers.setTime(Date.parse('2026-01-01T00:00:00Z'));
  assert.equal(await queue.next(), 'k');
});

test('shutdown handles what is queued, takes nothing more, and ends the workers', async () => {
  const queue = createWorkQueue();
  const handled: string[] = [];
  const workers = runWorkers(queue, 2, async (key) => {
    await new Promise((resolve) => setImmediate(resolve));
    handled.push(key);
  });
  for (const key of ['a', 'b', 'c']) queue.add(key);
  queue.addAfter('late', 1);
  const drained = queue.shutDown();
  queue.add('d');
  await Promise.all([drained, workers]);
  assert.deepEqual(handled.sort(), ['a', 'b', 'c']);
});

test('expectations hold a key back until they are met or old', () => {
  let now = 0;
  const expectations = createExpectations(() => now);
  assert.ok(expectations.satisfied('k'));
  expectations.expectCreations('k', 2);
  expectations.creationObserved('k');
  assert.ok(!expectations.satisfied('k'));
  expectations.creationObserved('k');
  assert.ok(expectations.satisfied('k'));
  expectations.expectDeletions('k', 1);
  now += 5 * 60_000 + 1;
  assert.ok(expectations.satisfied('k'));
  const byUid = createUidExpectations(() => now);
  byUid.expectDeletions('k', ['x', 'y']);
  byUid.deletionObserved('k', 'x');
  byUid.deletionObserved('k', 'x');
  assert.ok(!byUid.satisfied('k'));
  byUid.deletionObserved('k', 'y');
  assert.ok(byUid.satisfied('k'));
});

test('a conflict is tried again five times in all, anything else not', async () => {
  let calls = 0;
  const stale = conflict({ group: '', resource: 'pods' }, 'p', 'changed');
  await assert.rejects(
    retryOnConflict(async () => {
      calls++;
      throw stale;
    }),
    stale,
  );
  assert.equal(calls, 5);
  await assert.rejects(
    retryOnConflict(() => Promise.reject(new Error('other'))),
    /other/,
  );
});
