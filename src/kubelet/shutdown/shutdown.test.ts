import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultConfiguration, type KubeletConfiguration } from '../config/configuration.ts';
import type { KubeletContext } from '../context.ts';
import { pod } from '../testing/pods.ts';
import { graceIn, shutdownGroups, shutdownPeriods } from './groups.ts';
import { createLogind, type Logind } from './logind.ts';
import { createShutdownManager } from './shutdown.ts';

const periodsOf = (more: Partial<KubeletConfiguration>) => shutdownPeriods({ ...defaultConfiguration, ...more });
const named = (name: string, priority: number, grace?: number) =>
  pod({ priority, ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }) }, { name });

test('critical pods have the end of the time to themselves', () => {
  assert.deepEqual(periodsOf({}), []);
  const periods = periodsOf({ shutdownGracePeriod: 30_000, shutdownGracePeriodCriticalPods: 10_000 });
  const groups = shutdownGroups(periods, [named('critical', 2_000_001_000), named('plain', 0), named('low', -5)]);
  assert.deepEqual(
    groups.map(({ grace, pods }) => [grace, pods.map(({ metadata }) => metadata.name)]),
    [
      [20, ['plain', 'low']],
      [10, ['critical']],
    ],
  );
});

test('every priority may have a time of its own', () => {
  const of = (priority: number, shutdownGracePeriodSeconds: number) => ({ priority, shutdownGracePeriodSeconds });
  const periods = periodsOf({ shutdownGracePeriodByPodPriority: [of(1000, 5), of(0, 60), of(500, 9)] });
  const groups = shutdownGroups(periods, [named('a', 999), named('b', 1000), named('c', 7), named('d', 500)]);
  assert.deepEqual(
    groups.map(({ grace, pods }) => [grace, ...pods.map(({ metadata }) => metadata.name)]),
    [
      [60, 'c'],
      [9, 'a', 'd'],
      [5, 'b'],
    ],
  );
  const group = { priority: 0, grace: 9, pods: [] };
  assert.deepEqual([graceIn(group, named('x', 0, 3)), graceIn(group, named('x', 0, 30))], [3, 9]);
});

test('a shutdown ends the pods, tells so, and lets the machine go', async () => {
  const did: string[] = [];
  let delay = 5_000;
  const stop = new AbortController();
  const calledOff = Promise.withResolvers<void>();
  const logind: Logind = {
    available: () => true,
    maxDelay: async () => delay,
    setMaxDelay: async (name, ms) => {
      did.push(`${name} waits ${ms}`);
      delay = ms;
      return async () => void did.push('waits as before');
    },
    inhibit: async () => {
      did.push('hold');
      return () => void did.push('let go');
    },
    shutdowns: async function* () {
      yield true;
      yield false;
      calledOff.resolve();
      await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    },
  };
  const manager = createShutdownManager({
    context: {
      config: { ...defaultConfiguration, shutdownGracePeriod: 30_000, shutdownGracePeriodCriticalPods: 10_000 },
      events: { event: (_: unknown, __: unknown, reason: string, text: string) => void did.push(`${reason}: ${text}`) },
      log: { info: () => {}, warn: () => {} },
      options: { nodeName: 'n' },
      signal: stop.signal,
    } as unknown as KubeletContext,
    active: () => [named('critical', 2_000_000_000, 3), named('plain', 0, 60)],
    end: async ({ metadata }, { reason, grace, disruption }) => void did.push(`${metadata.name} ${reason} ${grace} ${disruption} ${manager.refusal()?.reason}`),
    changed: () => void did.push(`changed: ${manager.problem()}`),
    logind,
  });
  const running = manager.run();
  await calledOff.promise;
  assert.deepEqual(did, [
    'knarr-n waits 30000',
    'hold',
    'Shutdown: Shutdown manager detected shutdown event',
    'changed: node is shutting down',
    'plain Terminated 20 true NodeShutdown',
    'critical Terminated 3 true NodeShutdown',
    'let go',
    'Shutdown: Shutdown manager detected shutdown cancellation',
    'changed: undefined',
    'let go',
    'hold',
  ]);
  assert.equal(manager.refusal(), undefined);
  stop.abort();
  await running;
  assert.equal(did.at(-1), 'waits as before');
});

test("logind is spoken to through systemd's programs", async () => {
  const place = await mkdtemp(join(tmpdir(), 'logind-'));
  const program = async (name: string, text: string): Promise<void> => {
    await writeFile(join(place, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(place, name), 0o755);
  };
  try {
    await program(
      'busctl',
      `case "$*" in *KillUnit*) echo "$*" >>${place}/reloads;; *monitor) for d in true false; do echo '{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":['$d']}}'; done;; *) echo 't 5000000';; esac`,
    );
    await program('systemd-inhibit', `cat; touch ${place}/released`);
    const logind = createLogind(join(place, 'busctl'), place, join(place, 'conf'));
    assert.equal(logind.available(), true);
    assert.equal(createLogind(join(place, 'none')).available(), false);
    assert.equal(await logind.maxDelay(), 5_000);
    const forget = await logind.setMaxDelay('n', 30_000);
    assert.match(await readFile(join(place, 'conf/zz-n.conf'), 'utf8'), /^\[Login\]\nInhibitDelayMaxSec=30$/m);
    await forget();
    await assert.rejects(readFile(join(place, 'conf/zz-n.conf')));
    assert.match(await readFile(join(place, 'reloads'), 'utf8'), /^(?:call .*KillUnit ssi systemd-logind.service all 1\n){2}$/);
    const seen: boolean[] = [];
    await assert.rejects(
      async () => {
        for await (const down of logind.shutdowns(new AbortController().signal)) seen.push(down);
      },
      { message: 'the bus was lost' },
    );
    assert.deepEqual(seen, [true, false]);
    const release = await logind.inhibit();
    release();
    await program('systemd-inhibit', 'exit 1');
    await assert.rejects(logind.inhibit());
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});
