import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import type { InformerFactory } from '../client/informer.ts';
import { createProxy } from './proxy.ts';

const empty = {
  hasSynced: true,
  synced: Promise.resolve(),
  addHandlers: () => {},
  addIndex: () => {},
  list: () => [],
  byIndex: () => [],
  getByKey: () => undefined,
};
const informers = { informer: () => empty } as unknown as InformerFactory;
const log = pino({ level: 'silent' });
const clusterCidrs = ['10.244.0.0/16', 'fd00:10:244::/56'];

test("a node's ranges that become known while rules are written are in the rules that follow, of both families", async () => {
  const written: string[] = [];
  const proxy = createProxy({
    node: { name: 'a' },
    informers,
    clusterCidrs,
    log,
    async apply(text) {
      written.push(text);
      if (written.length === 1) proxy.setPodCidrs(['10.244.1.0/24', 'fd00:10:244:1::/64']);
    },
  });
  await proxy.start();
  await proxy.stop();
  const [ip, ip6] = written.slice(-2);
  assert.match(ip ?? '', /^table ip knarr-proxy.*ip saddr 10\.244\.1\.0\/24 ip daddr != 10\.244\.0\.0\/16/s);
  assert.match(ip6 ?? '', /^table ip6 knarr-proxy.*ip6 saddr fd00:10:244:1::\/64 ip6 daddr != fd00:10:244::\/56/s);
});

test('start waits until rules could be written; stop ends the wait', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let attempts = 0;
  let started = false;
  const proxy = createProxy({
    node: { name: 'a' },
    informers,
    log,
    async apply() {
      if (++attempts < 3) throw new Error('the kernel refuses');
    },
  });
  const starting = proxy.start().then(() => {
    started = true;
  });
  for (const expected of [1, 2]) {
    for (let i = 0; i < 3; i++) await turn();
    context.mock.timers.tick(1_000);
    for (let i = 0; i < 3; i++) await turn();
    assert.equal(attempts, expected);
    assert.equal(started, false);
  }
  context.mock.timers.tick(1_000);
  await starting;
  assert.equal(attempts, 3);
  await proxy.stop();
});
