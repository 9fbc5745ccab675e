import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from './testing/server.ts';

const json = { 'content-type': 'application/json' };

test('who asks for a deprecated version is told so, whatever the verb', async () => {
  await using server = await startTestServer();
  const warning = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
  const endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'e' } };
  const list = await server.request('GET', '/api/v1/namespaces/default/endpoints');
  const created = await server.request('POST', '/api/v1/namespaces/default/endpoints?dryRun=All', endpoints, json);
  assert.deepEqual([list.headers['warning'], created.headers['warning']], [warning, warning]);
  const pods = await server.request('GET', '/api/v1/namespaces/default/pods');
  assert.equal(pods.headers['warning'], undefined);
});

test('only some kinds are strict about finalizers', async () => {
  await using server = await startTestServer();
  const create = async (apiVersion: string, kind: string, path: string): Promise<number> =>
    (await server.request('POST', `${path}?dryRun=All`, { apiVersion, kind, metadata: { name: 'x', finalizers: ['own'] } }, json)).status;
  assert.equal(await create('coordination.k8s.io/v1', 'Lease', '/apis/coordination.k8s.io/v1/namespaces/default/leases'), 201);
  assert.equal(await create('v1', 'ConfigMap', '/api/v1/namespaces/default/configmaps'), 422);
});

test('an object without a name is called by none', async () => {
  await using server = await startTestServer();
  const { status, body } = await server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: {} }, json);
  assert.equal(status, 422);
  assert.equal(body.message, 'Namespace "" is invalid: metadata.name: Required value: name or generateName is required');
});
