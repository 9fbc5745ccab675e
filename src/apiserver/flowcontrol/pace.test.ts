/** What a turn of the event loop gives those who are refused, and those whose answers are ready. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Departures } from './departures.ts';
import { Refusals } from './refusals.ts';
import { Sharing } from './sharing.ts';

/** Whatever the time: a test must not depend on how long it takes. */
class Shared extends Sharing {
  override isShared(): boolean {
    return true;
  }
}

test('several ask when another one was heard of in the last two seconds', () => {
  const found = new Sharing();
  const asks = (name: string, now: number): boolean => {
    found.heard('schema', name, now);
    return found.isShared(now);
  };
  assert.deepEqual([asks('a', 0), asks('a', 10), asks('b', 20), asks('b', 2_019), asks('b', 2_020), asks('a', 9_000)], [false, false, true, true, false, true]);
});

test('of those who are refused a turn answers a few while others ask, and the rest in their order', async () => {
  const refusals = new Refusals(new Shared());
  const answered: number[] = [];
  let atOnce = 0;
  for (let index = 0; index < 20; index++) {
    const place = refusals.enter(performance.now());
    if (place) void place.then(() => answered.push(index));
    else atOnce++;
  }
  assert.equal(atOnce, 4);
  let most = 0;
  for (let before = 0; answered.length < 16; before = answered.length) {
    await turn();
    most = Math.max(most, answered.length - before);
  }
  assert.deepEqual(
    answered,
    Array.from({ length: 16 }, (_, index) => index + 4),
  );
  assert.ok(most <= 8, `${most} in a turn`);
  // When all are answered, who comes is answered at once again.
  await turn();
  await turn();
  assert.equal(refusals.enter(performance.now()), undefined);
});

test('refusals do not pile up without bound', () => {
  const refusals = new Refusals(new Shared());
  let waiting = 0;
  for (let index = 0; index < 10_100; index++) if (refusals.enter(performance.now())) waiting++;
  assert.equal(waiting, 10_000);
});

test('answers that become ready together are sent a few a turn, of each client in their order, and of all clients in turn', async () => {
  const departures = new Departures(new Shared());
  const sent: string[] = [];
  const ready = (whose: string, count: number): void => {
    for (let index = 0; index < count; index++) departures.send(whose, performance.now(), () => sent.push(`${whose}${index}`));
  };
  ready('flood', 30);
  assert.equal(sent.length, 6);
  // Whoever has nothing that waits does not stand behind what the other has.
  ready('quiet', 3);
  assert.deepEqual(sent.slice(6), ['quiet0', 'quiet1', 'quiet2']);
  ready('late', 5);
  assert.deepEqual(sent.slice(9), ['late0', 'late1', 'late2']);
  while (sent.length < 38) await turn();
  assert.deepEqual(
    sent.filter((one) => one.startsWith('flood')),
    Array.from({ length: 30 }, (_, index) => `flood${index}`),
  );
  assert.ok(sent.indexOf('late4') < sent.indexOf('flood15'), sent.join(' '));
});

test('whoever is alone gets all answers at once', () => {
  const departures = new Departures(new Sharing());
  let sent = 0;
  for (let index = 0; index < 30; index++) departures.send('only', performance.now(), () => sent++);
  assert.equal(sent, 30);
});
