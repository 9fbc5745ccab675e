/** That flags of serving do what they say: from the command line's text to what a client sees. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { startTestServer, type TestServer } from '../../apiserver/testing/server.ts';
import { selfSigned } from '../../apiserver/testing/tls.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { serverGraceMs } from '../supervisor/takeback.ts';
import type { ApiServerFlags } from './apiserverflags.ts';
import { kindsWithEventTtl } from './eventttl.ts';
import { flagReader } from './flagvalues.ts';
import { servingOf } from './serving.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const serving = (flags: ApiServerFlags) => servingOf(flagReader(flags));
const started = (flags: ApiServerFlags): Promise<TestServer> => startTestServer(serving(flags).server);

async function listening(flags: ApiServerFlags) {
  const running = await started(flags);
  const { tls, maxStreams } = serving(flags);
  const pair = selfSigned();
  const { port } = await running.server.listen({ port: 0, tls: { ...pair, ...tls }, ...(maxStreams ? { maxStreams } : {}) });
  return { running, port, ca: pair.cert };
}

/** Flow control is there a moment after the first listener. */
async function until(what: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await what()) return;
    await sleep(10);
  }
  assert.fail('it did not come to be');
}

test('--request-timeout: a Status with 504 and no time to come again; what flow control found is not told, as upstream', async () => {
  const { running } = await listening({ 'request-timeout': ['500ms'] });
  await using _ = running;
  await until(async () => /^[0-9a-f-]{36}$/.test((await running.request('GET', maps)).headers['x-kubernetes-pf-flowschema-uid'] ?? ''));
  const { promise: letGo, resolve: release } = Promise.withResolvers<void>();
  running.server.addAdmission([{ name: 'Slow', handles: ({ operation }) => operation === 'CREATE', admit: () => letGo }]);
  const late = await running.request('POST', maps, { metadata: { name: 'late' } });
  assert.deepEqual(late.body, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Timeout: request did not complete within the allotted timeout',
    reason: 'Timeout',
    details: {},
    code: 504,
  });
  const told = ['retry-after', 'x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid'].filter((name) => late.headers[name] !== undefined);
  assert.deepEqual(told, []);
  assert.ok(late.headers['audit-id']);
  release();
});

test('--min-request-timeout: a watch that does not say how long ends after that time', async () => {
  await using running = await started({ 'min-request-timeout': ['0'] });
  // It would go on for half an hour.
  assert.equal((await running.request('GET', `${maps}?watch=1`)).status, 200);
});

test('--max-requests-inflight and --max-mutating-requests-inflight: their sum are the seats that levels share', async () => {
  const { running } = await listening({ 'max-requests-inflight': ['40'], 'max-mutating-requests-inflight': ['9'] });
  await using _ = running;
  const seats = async (level: string): Promise<string | undefined> => {
    const { body } = await running.request('GET', '/metrics');
    return new RegExp(`apiserver_flowcontrol_nominal_limit_seats\\{priority_level="${level}"\\} (\\d+)`).exec(String(body))?.[1];
  };
  // Of 245 shares: 100 and 20.
  await until(async () => (await seats('workload-low')) === '20' && (await seats('global-default')) === '4');
});

test('--shutdown-delay-duration: serves on while /readyz says that it ends, and the supervisor has patience for as long', async () => {
  const flags = { 'shutdown-delay-duration': ['300ms'] };
  const { running, port, ca } = await listening(flags);
  await using _ = running;
  const began = performance.now();
  const over = running.server.core.beginShutdown();
  assert.equal((await running.request('GET', '/readyz')).status, 500);
  assert.equal((await running.request('GET', '/livez')).status, 200);
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca });
  const stream = session.request({ ':path': maps });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  session.destroy();
  await over;
  assert.ok(performance.now() - began >= 295);
  assert.deepEqual([serverGraceMs({}), serverGraceMs({ apiServer: { 'shutdown-delay-duration': ['70s'] } })], [10_000, 80_000]);
});

test('--http2-max-streams-per-connection: what clients are told', async () => {
  const { running, port, ca } = await listening({ 'http2-max-streams-per-connection': ['7'] });
  await using _ = running;
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca });
  const [settings] = await once(session, 'remoteSettings');
  assert.equal(settings.maxConcurrentStreams, 7);
  session.destroy();
});

test('--event-ttl: events vanish after it, and nothing else does', async () => {
  const store = createMemoryStore();
  const ttls = new Map<string, number | undefined>();
  const { create } = store;
  store.create = (key, value, options) => {
    ttls.set(key, options?.ttlSeconds);
    return create(key, value, options);
  };
  const { eventTtlSeconds = 0 } = serving({ 'event-ttl': ['90s'] });
  await using running = await startTestServer({ store, kinds: kindsWithEventTtl(eventTtlSeconds) });
  await running.request('POST', maps, { metadata: { name: 'kept' } });
  const regarding = { kind: 'Pod', namespace: 'default', name: 'p' };
  await running.request('POST', '/api/v1/namespaces/default/events', { metadata: { name: 'old' }, involvedObject: regarding });
  const event = {
    metadata: { name: 'new' },
    regarding,
    eventTime: new Date().toISOString().replace('Z', '000Z'),
    action: 'a',
    reason: 'r',
    type: 'Normal',
    reportingController: 'c/d',
    reportingInstance: 'i',
  };
  await running.request('POST', '/apis/events.k8s.io/v1/namespaces/default/events', event);
  const of = (end: string): unknown => [...ttls].filter(([key]) => key.endsWith(end)).map(([, ttl]) => ttl);
  assert.deepEqual([of('/default/old'), of('/default/new'), of('/default/kept')], [[90], [90], [undefined]]);
});

test('--tls-min-version and --tls-cipher-suites: who cannot do it is not let in', async () => {
  const flags = { 'tls-min-version': ['VersionTLS12'], 'tls-cipher-suites': ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'] };
  const { running, port } = await listening(flags);
  await using _ = running;
  const reached = (options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
        resolve(`${socket.getProtocol()} ${socket.getCipher().standardName}`);
        socket.destroy();
      });
      socket.once('error', () => resolve('refused'));
    });
  const old = { maxVersion: 'TLSv1.2' } as const;
  assert.match(await reached(old), /^TLSv1.2 TLS_ECDHE_(RSA|ECDSA)_WITH_AES_128_GCM_SHA256$/);
  assert.equal(await reached({ ...old, ciphers: 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384' }), 'refused');
  assert.equal(await reached({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), 'refused');
});

test('--default-watch-cache-size: taken, and nothing comes of it', () => {
  assert.deepEqual(serving({ 'default-watch-cache-size': ['100'] }), serving({}));
});
