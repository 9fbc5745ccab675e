import assert from 'node:assert/strict';
import test from 'node:test';
import type { Lease } from '../api/coordination/v1/types.gen.ts';
import { createInProcessTransport } from './inprocess.ts';
import { runLeaderElection } from './leaderelection.ts';
import { createClient } from './rest.ts';
import { createTestServer } from './testing/server.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

function candidate(server: ReturnType<typeof createTestServer>, identity: string, events: string[]) {
  const controller = new AbortController();
  const done = runLeaderElection({
    client: createClient(createInProcessTransport(server.handler, { username: identity, groups: [] })),
    namespace: 'kube-system',
    name: 'lock',
    identity,
    leaseDurationMs: 1_000,
    renewDeadlineMs: 150,
    retryPeriodMs: 20,
    signal: controller.signal,
    onStartedLeading: (signal) => {
      events.push(`${identity} leads`);
      signal.addEventListener('abort', () => events.push(`${identity} ends`));
    },
    onNewLeader: (leader) => events.push(`${identity} sees ${leader}`),
  });
  return { stop: () => controller.abort(), done };
}
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

test('one of two leads; when it leaves it gives the lease up and the other takes over at once', async () => {
  const server = createTestServer();
  const events: string[] = [];
  const a = candidate(server, 'a', events);
  await until(() => events.includes('a leads'));
  const b = candidate(server, 'b', events);
  await until(() => events.includes('b sees a'));
  assert.ok(!events.includes('b leads'));
  const lease = server.get(path, 'lock') as Lease;
  assert.equal(lease.spec.holderIdentity, 'a');
  assert.equal(lease.spec.leaseTransitions, 0);
  a.stop();
  await a.done;
  assert.equal((server.get(path, 'lock') as Lease).spec.holderIdentity === 'a', false);
  await until(() => events.includes('b leads'));
  assert.deepEqual(events, ['a sees a', 'a leads', 'b sees a', 'a ends', 'b sees b', 'b leads']);
  assert.equal((server.get(path, 'lock') as Lease).spec.leaseTransitions, 1);
  b.stop();
  await b.done;
});

test('a leader that cannot renew steps down after the deadline', async () => {
  const server = createTestServer();
  const events: string[] = [];
  const a = candidate(server, 'a', events);
  await until(() => events.includes('a leads'));
  for (let count = 0; count < 100; count++) server.next.push(new Error('server is gone'));
  await a.done;
  assert.deepEqual(events, ['a sees a', 'a leads', 'a ends']);
});
