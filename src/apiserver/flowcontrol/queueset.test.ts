/** Fair queues, and the seats that levels share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocate } from './allocation.ts';
import { dealHand, flowHash } from './dealer.ts';
import { Levels } from './levels.ts';
import type { QueueSetHost } from './queueset.ts';
import { QueueSet } from './queueset.ts';
import { RetryAfter } from './retryafter.ts';
import { Ticket } from './ticket.ts';
import type { Work } from './work.ts';
import { estimateWork } from './work.ts';

class Clock implements QueueSetHost<string> {
  time = 0;
  readonly later: { at: number; then: () => void }[] = [];
  now = (): number => this.time;
  after(milliseconds: number, then: () => void): void {
    this.later.push({ at: this.time + milliseconds, then });
  }
  freed(): void {}
  pass(milliseconds: number): void {
    this.time += milliseconds;
    for (const { then } of this.later.splice(0).filter(({ at }) => at <= this.time)) then();
  }
}

const settings = { queues: 8, handSize: 2, queueLengthLimit: 10 };
const work = (seats = 1, finalSeats = 0, lingerMs = 0): Work => ({ initialSeats: seats, finalSeats, lingerMs });
const ticket = (flow: string, hand: readonly number[], estimate = work()): Ticket<string> => new Ticket(flow, flow, hand, estimate);

/** Lets `set` serve everybody, each for 3 ms, and says in which order. */
function serveAll(set: QueueSet<string>, clock: Clock, running: Ticket<string>[]): string[] {
  const order: string[] = [];
  while (running.length > 0 || set.waiting > 0) {
    clock.pass(3);
    const done = running.shift();
    if (done) set.finish(done);
    const before = new Set(set.executing);
    while (set.dispatch());
    for (const one of set.executing) {
      if (before.has(one)) continue;
      order.push(one.flow);
      running.push(one);
    }
  }
  return order;
}

test('a flow that asks little does not wait for one that asks much', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 1, clock);
  const first = ticket('noisy', [0]);
  assert.equal(set.admit(first, true), 'run');
  for (let index = 0; index < 10; index++) assert.equal(set.admit(ticket('noisy', [0]), true), 'wait');
  for (let index = 0; index < 3; index++) assert.equal(set.admit(ticket('quiet', [1]), true), 'wait');
  const order = serveAll(set, clock, [first]);
  assert.equal(order.filter((flow) => flow === 'noisy').length, 10);
  // Turn about, from the first on: three of the quiet ones are through after six or seven.
  assert.ok(order.lastIndexOf('quiet') <= 6, order.join(' '));
});

test('a wide request costs its flow its later turns', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 4, clock);
  const running = [0, 1, 2, 3].map(() => ticket('first', [7]));
  for (const one of running) set.admit(one, true);
  for (let index = 0; index < 4; index++) set.admit(ticket('wide', [0], work(4)), true);
  for (let index = 0; index < 4; index++) set.admit(ticket('narrow', [1]), true);
  const order = serveAll(set, clock, running);
  assert.deepEqual(order.slice(0, 3), ['narrow', 'narrow', 'narrow']);
});

test('a queue is full when its seats are taken and its limit is reached; without queues nobody waits', () => {
  const clock = new Clock();
  const set = new QueueSet<string>({ ...settings, queueLengthLimit: 1 }, 1, clock);
  assert.deepEqual(
    [1, 2, 3].map(() => set.admit(ticket('a', [0]), true)),
    ['run', 'wait', 'full'],
  );
  assert.deepEqual([set.waiting, set.rejected], [1, 1]);
  const rejecting = new QueueSet<string>({ queues: 0, handSize: 0, queueLengthLimit: 0 }, 1, clock);
  assert.deepEqual(
    [1, 2].map(() => rejecting.admit(ticket('a', []), true)),
    ['run', 'full'],
  );
  const exempt = new QueueSet<string>({ queues: -1, handSize: 0, queueLengthLimit: 0 }, 0, clock);
  assert.equal(exempt.admit(ticket('a', []), true), 'run');
});

test('a turn that is over makes requests wait though there are seats, and turns none away', () => {
  const set = new QueueSet<string>({ ...settings, queueLengthLimit: 1 }, 10, new Clock());
  assert.deepEqual(
    [1, 2, 3].map(() => set.admit(ticket('a', [0]), false)),
    ['wait', 'wait', 'wait'],
  );
  assert.ok(set.dispatch());
  assert.equal(set.waiting, 2);
});

test('who comes late is not behind all who wait for a turn', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 10, clock);
  for (let index = 0; index < 20; index++) set.admit(ticket('noisy', [0], work(2)), false);
  for (let turn = 0; turn < 5; turn++) {
    assert.ok(set.dispatch());
    const [running] = set.executing;
    assert.ok(running);
    clock.pass(3);
    set.finish(running);
    clock.pass(20);
  }
  const quiet = ticket('quiet', [1]);
  set.admit(quiet, false);
  assert.ok(set.dispatch());
  assert.deepEqual([...set.executing], [quiet]);
});

test('queues that are owed something are no longer owed it by who comes late', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 1, clock);
  // One request took long, so that the other queues of the same flow are far behind the meter.
  const long = ticket('noisy', [0]);
  set.admit(long, true);
  for (let index = 0; index < 40; index++) set.admit(ticket('noisy', [index % 5]), false);
  clock.pass(100);
  set.finish(long);
  set.admit(ticket('quiet', [7]), false);
  const order = serveAll(set, clock, []);
  assert.ok(order.indexOf('quiet') <= 5, order.join(' '));
});

test('who has waited long enough, or is gone, is turned away', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 1, clock);
  set.admit(ticket('a', [0]), true);
  const told: boolean[] = [];
  const patient = ticket('a', [0]);
  const gone = ticket('a', [1]);
  for (const one of [patient, gone]) {
    one.settle = (run) => told.push(run);
    one.expires = 100;
    set.admit(one, true);
  }
  set.cancel(gone);
  clock.pass(50);
  set.expire();
  assert.deepEqual([told, set.waiting], [[false], 1]);
  clock.pass(50);
  set.expire();
  assert.deepEqual([told, set.waiting, set.cancelled], [[false, false], 0, 2]);
});

test('a write that many watches hear of keeps its seats after it is done', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 10, clock);
  const write = ticket('a', [0], work(1, 5, 20));
  set.admit(write, true);
  assert.equal(set.seatsInUse, 5);
  set.finish(write);
  assert.deepEqual([set.seatsInUse, set.executing.length], [5, 0]);
  clock.pass(20);
  assert.equal(set.seatsInUse, 0);
});

test('queues that are too many go when they are empty', () => {
  const clock = new Clock();
  const set = new QueueSet<string>(settings, 1, clock);
  const last = ticket('a', [7]);
  set.admit(last, true);
  set.configure({ ...settings, queues: 2 }, 1);
  assert.equal(set.queues.length, 8);
  set.finish(last);
  assert.equal(set.queues.length, 2);
});

test('hands are those that upstream deals', () => {
  assert.deepEqual(dealHand(0n, 8, 3), [0, 1, 2]);
  assert.deepEqual(dealHand(8n * 7n * 5n + 8n * 6n + 7n, 8, 3), [7, 6, 5]);
  for (let user = 0; user < 200; user++) {
    const hand = dealHand(flowHash('global-default', `user-${user}`), 128, 6);
    assert.equal(new Set(hand).size, 6);
    assert.ok(hand.every((card) => card >= 0 && card < 128));
  }
});

test('seats go where they are wanted, within bounds', () => {
  const claim = (low: number, high: number, target: number) => ({ low, high, target });
  assert.deepEqual(allocate(100, [claim(0, 100, 30), claim(0, 100, 10)])?.seats, [75, 25]);
  assert.deepEqual(allocate(100, [claim(0, 50, 30), claim(0, 100, 10)])?.seats, [50, 50]);
  assert.deepEqual(allocate(100, [claim(10, 100, 10), claim(0, 100, 990)])?.seats.map(Math.round), [10, 90]);
  assert.equal(allocate(100, [claim(0, 10, 5)]), undefined);
});

test('a level borrows what others lend and do not use, and gives it back', () => {
  const clock = new Clock();
  const levels = new Levels<string>(100, clock);
  const queuing = { queues: 8, handSize: 2, queueLengthLimit: 1000 };
  const level = (name: string, lendablePercent: number) => ({ name, uid: '', exempt: false, shares: 50, lendablePercent, queuing });
  levels.configure([level('busy', 0), level('idle', 60)]);
  const [busy, idle] = [levels.byName.get('busy'), levels.byName.get('idle')];
  assert.ok(busy && idle);
  assert.deepEqual([busy.nominal, busy.lower, idle.nominal, idle.lower], [50, 50, 50, 20]);
  const asked = Array.from({ length: 200 }, () => ticket('a', [0]));
  for (const one of asked) busy.queues.admit(one, true);
  for (let period = 0; period < 3; period++) {
    clock.pass(10_000);
    levels.adjust();
  }
  assert.deepEqual([busy.current, idle.current], [80, 20]);
  while (busy.queues.dispatch());
  assert.equal(busy.queues.executing.length, 80);
  for (let index = 0; index < 60; index++) idle.queues.admit(ticket('b', [1]), true);
  clock.pass(10_000);
  levels.adjust();
  assert.ok(idle.current >= 50, String(idle.current));
});

test('those who are turned away are told to wait longer while there are many of them', () => {
  const retry = new RetryAfter();
  const told: number[] = [];
  for (let second = 100; second < 112; second++) for (let index = 0; index < 10; index++) told.push(retry.dropped(second));
  assert.deepEqual([told[0], told[10]], [1, 2]);
  assert.equal(told.at(-1), 8);
  for (let second = 200; second < 400; second += 40) retry.dropped(second);
  assert.equal(retry.seconds, 3);
});

test('lists cost by their size, watches by the state that they begin with, writes by who hears of them', () => {
  const info = (verb: string, query = '', name = '') =>
    ({ verb, name, query: new URLSearchParams(query), isResourceRequest: true }) as unknown as Parameters<typeof estimateWork>[0];
  const sources = { sizeOf: () => ({ objects: 1000, bytes: 500 }), watchesOf: () => 45 };
  const seats = (...request: Parameters<typeof info>): number => estimateWork(info(...request), 100, sources).initialSeats;
  assert.deepEqual([seats('list'), seats('list', 'limit=100'), seats('list', '', 'one'), seats('get')], [5, 1, 1, 1]);
  assert.deepEqual([seats('watch'), seats('watch', 'resourceVersion=7'), seats('watch', 'resourceVersion=7&sendInitialEvents=true')], [5, 1, 5]);
  assert.equal(estimateWork(info('list'), 3, sources).initialSeats, 3);
  assert.deepEqual(estimateWork(info('create'), 100, sources), { initialSeats: 1, finalSeats: 5, lingerMs: 5 });
  assert.deepEqual(estimateWork(info('create'), 2, sources), { initialSeats: 1, finalSeats: 2, lingerMs: 12.5 });
  assert.equal(estimateWork(info('create'), 100, { ...sources, watchesOf: () => 9 }).finalSeats, 0);
});
