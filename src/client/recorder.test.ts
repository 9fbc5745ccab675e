import assert from 'node:assert/strict';
import test from 'node:test';
import type { Event } from '../api/core/v1/types.gen.ts';
import { createCorrelator } from './correlator.ts';
import { createInProcessTransport } from './inprocess.ts';
import { createEventRecorder } from './recorder.ts';
import { createClient } from './rest.ts';
import { createTestServer } from './testing/server.ts';

const about = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: '7' } });

test('an event is created once, its repeats are counted by patch, and an expired one is created anew', async () => {
  const server = createTestServer();
  const client = createClient(createInProcessTransport(server.handler, { username: 'u', groups: [] }));
  const recorder = createEventRecorder(client, { component: 'kubelet', host: 'n1', now: () => new Date('2026-01-02T03:04:05.6Z') });
  recorder.event(about('p'), 'Warning', 'BackOff', 'again');
  recorder.event(about('p'), 'Warning', 'BackOff', 'again');
  await recorder.flush();
  assert.deepEqual(
    server.requests.map(({ method }) => method),
    ['POST', 'PATCH'],
  );
  const name = server.requests[1]!.path.split('/').at(-1)!;
  const path = '/api/v1/namespaces/ns/events';
  const stored = server.get(path, name) as Event;
  assert.match(stored.metadata.name, /^p\.[0-9a-f]+$/);
  assert.deepEqual(
    { ...stored, metadata: undefined },
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: undefined,
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'ns', uid: 'uid-p', resourceVersion: '7' },
      reason: 'BackOff',
      message: 'again',
      type: 'Warning',
      count: 2,
      source: { component: 'kubelet', host: 'n1' },
      reportingComponent: 'kubelet',
      reportingInstance: 'n1',
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:04:05Z',
    },
  );
  server.remove(path, name);
  recorder.event(about('p'), 'Warning', 'BackOff', 'again');
  await recorder.flush();
  assert.deepEqual(
    server.requests.slice(2).map(({ method }) => method),
    ['PATCH', 'POST'],
  );
});

test('events go on when the clock is set back by a year', async () => {
  const server = createTestServer();
  const client = createClient(createInProcessTransport(server.handler, { username: 'u', groups: [] }));
  let time = new Date('2026-01-02T03:04:05Z');
  const recorder = createEventRecorder(client, { component: 'c', now: () => time });
  recorder.event(about('p'), 'Normal', 'A', 'a');
  time = new Date('2025-01-02T03:04:05Z');
  recorder.event(about('p'), 'Normal', 'B', 'b');
  await recorder.flush();
  assert.equal(server.requests.length, 2);
});

test('an event that the server refuses is dropped, with a line in the log, and the next one goes on', async () => {
  const server = createTestServer();
  const client = createClient(createInProcessTransport(server.handler, { username: 'u', groups: [] }));
  const errors: string[] = [];
  const recorder = createEventRecorder(client, { component: 'c', log: { debug() {}, error: (_: unknown, text?: string) => void errors.push(text!) } });
  server.next.push({ status: 422, headers: { 'content-type': 'text/plain' }, body: (async function* () {})() });
  recorder.event(about('p'), 'Normal', 'A', 'a');
  recorder.event(about('p'), 'Normal', 'B', 'b');
  await recorder.flush();
  assert.deepEqual(errors, ['the server rejected an event']);
  assert.equal(server.requests.length, 2);
});

const eventOf = (message: string, object = 'p'): Event => ({
  metadata: { name: `${object}.${message}` },
  involvedObject: { kind: 'Pod', name: object },
  reason: 'R',
  type: 'Normal',
  message,
  source: { component: 'c' },
});

test('the tenth similar event within ten minutes starts a combined one', () => {
  let now = 0;
  const correlator = createCorrelator(() => now);
  for (let index = 0; index < 9; index++) assert.equal(correlator.correlate(eventOf(`m${index}`)).action, 'create');
  const tenth = correlator.correlate(eventOf('m9'));
  assert.ok(tenth.action === 'create');
  assert.equal(tenth.event.message, '(combined from similar events): m9');
  const next = correlator.correlate(eventOf('m10'));
  assert.ok(next.action === 'patch');
  assert.deepEqual(next.patch, { count: 2, lastTimestamp: undefined, message: '(combined from similar events): m10' });
  now += 600_001;
  assert.equal(correlator.correlate(eventOf('m11')).action, 'create');
});

test('an object gets 25 events at once and then one in five minutes; others are not affected', () => {
  let now = 0;
  const correlator = createCorrelator(() => now);
  const actions = Array.from({ length: 30 }, () => correlator.correlate(eventOf('same')).action);
  assert.equal(actions.filter((action) => action === 'drop').length, 5);
  assert.equal(correlator.correlate(eventOf('same', 'q')).action, 'create');
  now += 300_000;
  assert.equal(correlator.correlate(eventOf('same')).action, 'patch');
  assert.equal(correlator.correlate(eventOf('same')).action, 'drop');
});
