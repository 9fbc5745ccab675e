import assert from 'node:assert/strict';
import test from 'node:test';
import { deployments } from '../api/apps/v1/deployment.ts';
import { configmaps } from '../api/core/v1/configmap.ts';
import { nodes } from '../api/core/v1/node.ts';
import { isAlreadyExists, isGone, isNotFound, StatusError } from '../apimachinery/errors.ts';
import { createInProcessTransport } from './inprocess.ts';
import { createClient } from './rest.ts';
import { answer, collect, createTestServer } from './testing/server.ts';
import { decodeLines } from './watchstream.ts';

const identity = { username: 'system:test', groups: [] };
function setUp() {
  const server = createTestServer();
  const warnings: string[] = [];
  const client = createClient(createInProcessTransport(server.handler, identity), { fieldManager: 'tester', onWarning: (text) => warnings.push(text) });
  const last = () => server.requests.at(-1)!;
  return { server, client, last, warnings };
}

test('verbs have the paths, queries and content types of the API', async () => {
  const { client, last, server } = setUp();
  const maps = client.resource(configmaps);
  await maps.create({ metadata: { name: 'a', namespace: 'default' }, data: { x: '1' } });
  assert.equal(`${last().method} ${last().path}`, 'POST /api/v1/namespaces/default/configmaps?fieldManager=tester');
  assert.deepEqual(JSON.parse(String(last().body)), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { x: '1' } });
  await maps.patch('default', 'a', 'apply', { data: { x: '2' } }, { fieldManager: 'me', force: true });
  assert.equal(`${last().method} ${last().path}`, 'PATCH /api/v1/namespaces/default/configmaps/a?fieldManager=me&force=true');
  assert.equal(last().headers?.['content-type'], 'application/apply-patch+yaml');
  assert.equal(JSON.parse(String(last().body)).kind, 'ConfigMap');
  await maps.list('', { labelSelector: 'a=b,c', limit: 5 });
  assert.equal(last().path, '/api/v1/configmaps?labelSelector=a%3Db%2Cc&limit=5');
  server.next.push(answer(200, {}), answer(200, {}), answer(200, {}));
  await client.resource(deployments).updateStatus({ metadata: { name: 'd', namespace: 'n' }, spec: { selector: {}, template: { spec: { containers: [] } } } });
  assert.equal(last().path, '/apis/apps/v1/namespaces/n/deployments/d/status?fieldManager=tester');
  await client.resource(nodes).delete('', 'n1', { gracePeriodSeconds: 0, preconditions: { uid: 'u' }, dryRun: true });
  assert.equal(last().path, '/api/v1/nodes/n1');
  assert.deepEqual(JSON.parse(String(last().body)), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    gracePeriodSeconds: 0,
    preconditions: { uid: 'u' },
    dryRun: ['All'],
  });
  await maps.subresource('POST', 'n', 'x', 'token', { spec: {} });
  assert.equal(last().path, '/api/v1/namespaces/n/configmaps/x/token?fieldManager=tester');
});

test('a Status answer is thrown as it is, any other error answer gets its reason from the code', async () => {
  const { client, server } = setUp();
  const maps = client.resource(configmaps);
  await assert.rejects(maps.get('default', 'none'), (error) => isNotFound(error) && error.message === 'configmaps "none" not found');
  server.put('/api/v1/namespaces/default/configmaps', { metadata: { name: 'a', namespace: 'default' } });
  await assert.rejects(maps.create({ metadata: { name: 'a', namespace: 'default' } }), isAlreadyExists);
  server.next.push({ ...answer(503, ''), headers: { 'content-type': 'text/plain' } });
  await assert.rejects(maps.get('default', 'a'), (error) => error instanceof StatusError && error.reason === 'ServiceUnavailable');
  await assert.rejects(maps.get('default', ''), /may not be empty/);
});

test('429 with Retry-After is retried for writes too; a reset connection for reads only', async () => {
  const { client, server } = setUp();
  const maps = client.resource(configmaps);
  server.next.push(answer(429, {}, { 'retry-after': '0' }));
  await maps.create({ metadata: { name: 'a', namespace: 'default' } });
  assert.equal(server.requests.length, 2);
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  server.next.push(reset);
  await maps.get('default', 'a');
  server.next.push(reset);
  await assert.rejects(maps.delete('default', 'a'), reset);
});

test('Warning headers are unquoted', async () => {
  const { client, server, warnings } = setUp();
  server.next.push(answer(200, {}, { warning: '299 - "old \\"api\\"", 299 - "two"' }));
  await client.raw('GET', '/version');
  assert.deepEqual(warnings, ['old "api"', 'two']);
});

test('watch lines are found however chunks cut them', async () => {
  const text = '{"a":"ü\\n"}\n{"a":2}\n\n{"a":3}';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    assert.deepEqual(await collect(decodeLines(chunks)), [{ a: 'ü\n' }, { a: 2 }, { a: 3 }]);
  }
});

test('a watch ends silently when aborted, throws the Status of an ERROR event, and leaves nothing behind', async () => {
  const { client, server } = setUp();
  const maps = client.resource(configmaps);
  const controller = new AbortController();
  const seen: string[] = [];
  server.put('/api/v1/namespaces/default/configmaps', { metadata: { name: 'a', namespace: 'default' } });
  for await (const event of maps.watch('default', { resourceVersion: '1' }, controller.signal)) {
    seen.push(event.type);
    setImmediate(() => controller.abort());
  }
  assert.deepEqual(seen, ['ADDED']);
  server.compact();
  await assert.rejects(collect(maps.watch('default', { resourceVersion: '1' }, new AbortController().signal)), isGone);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(server.watches, 0);
});
