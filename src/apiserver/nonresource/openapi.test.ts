import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { startTestServer } from '../testing/server.ts';

const protobufV3 = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';

test('documents are answered in the form that is asked for, and not again to who has them', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const index = await request('GET', '/openapi/v3');
  const { serverRelativeURL } = index.body.paths['apis/scheduling.k8s.io/v1'];
  const path = '/openapi/v3/apis/scheduling.k8s.io/v1';

  const plain = await request('GET', path);
  assert.deepEqual([plain.status, plain.headers['content-type'], plain.headers['cache-control']], [200, 'application/json', 'no-cache, private']);
  assert.equal(`${path}?hash=${plain.headers['etag']?.replaceAll('"', '')}`, serverRelativeURL);

  const hashed = await request('GET', serverRelativeURL, undefined, { 'accept-encoding': 'gzip', accept: 'application/json' });
  assert.deepEqual([hashed.headers['cache-control'], hashed.headers['content-encoding']], ['public, immutable', 'gzip']);
  assert.equal(gunzipSync(hashed.bytes).toString(), plain.bytes.toString());

  for (const accept of ['application/com.github.proto-openapi.spec.v3@v1.0+protobuf', protobufV3, `application/json;q=0.5,${protobufV3}`]) {
    const encoded = await request('GET', path, undefined, { accept });
    assert.deepEqual([encoded.status, encoded.headers['content-type'], encoded.headers['etag']], [200, protobufV3, plain.headers['etag']], accept);
  }
  assert.equal((await request('GET', path, undefined, { accept: 'text/html' })).status, 406);
  assert.equal((await request('GET', path, undefined, { 'if-none-match': plain.headers['etag'] ?? '' })).status, 304);
  const stale = await request('GET', `${path}?hash=ABC`);
  assert.deepEqual([stale.status, stale.headers['location']], [301, serverRelativeURL]);
  assert.equal((await request('GET', '/openapi/v3/apis/nosuch.example.com/v1')).status, 404);
});

test('a custom kind is in both documents once it is served', async () => {
  await using running = await startTestServer();
  const { request, server } = running;
  await server.start();
  const names = { plural: 'gizmos', singular: 'gizmo', kind: 'Gizmo', listKind: 'GizmoList' };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } } };
  const spec = { group: 'shop.example.com', scope: 'Cluster', names, versions: [{ name: 'v1', served: true, storage: true, schema }] };
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const created = await request('POST', path, { metadata: { name: 'gizmos.shop.example.com' }, spec });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const before = (await request('GET', '/openapi/v2')).headers['etag'];
  for (let attempt = 0; ; attempt++) {
    if ((await request('GET', '/openapi/v3')).body.paths['apis/shop.example.com/v1']) break;
    assert.ok(attempt < 300, 'it did not come to be');
    await sleep(10);
  }
  const v3 = (await request('GET', '/openapi/v3/apis/shop.example.com/v1')).body;
  assert.equal(v3.components.schemas['com.example.shop.v1.Gizmo'].properties.spec.properties.size.type, 'integer');
  const v2 = await request('GET', '/openapi/v2');
  assert.equal(v2.body.definitions['com.example.shop.v1.Gizmo'].properties.spec.properties.size.type, 'integer');
  assert.equal(v2.body.paths['/apis/shop.example.com/v1/gizmos/{name}'].get.operationId, 'readShopExampleComV1Gizmo');
  assert.ok(before !== undefined && v2.headers['etag'] !== undefined);
});
