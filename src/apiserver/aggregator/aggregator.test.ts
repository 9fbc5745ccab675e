import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dialDirectly } from '../resources/proxy/dial.ts';
import { startTestServer } from '../testing/server.ts';
import { selfSigned } from '../testing/tls.ts';

const openapiIndex = {
  'apis/ext.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/ext.example.com/v1?hash=E1' },
  version: { serverRelativeURL: '/openapi/v3/version?hash=E2' },
};

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const refTo = (name: string) => ({ $ref: `#/definitions/${name}` });
const openapiV2 = {
  swagger: '2.0',
  paths: {
    '/apis/ext.example.com/v1/flunders': {
      get: { operationId: 'listFlunders', responses: { 200: { description: 'OK', schema: refTo('com.example.ext.v1.Flunder') } } },
      parameters: [{ $ref: '#/parameters/pretty-1' }],
    },
    '/version/': { get: { operationId: 'itsVersion', responses: { 200: { description: 'OK' } } } },
  },
  definitions: {
    'com.example.ext.v1.Flunder': { type: 'object', properties: { metadata: refTo(`${meta}.ObjectMeta`), spec: refTo('com.example.ext.v1.FlunderSpec') } },
    'com.example.ext.v1.FlunderSpec': { type: 'object', properties: { size: { type: 'integer' } } },
    'com.example.ext.v1.Unused': { type: 'object' },
    [`${meta}.ObjectMeta`]: { type: 'object', description: 'of an older server' },
  },
  parameters: { 'pretty-1': { name: 'pretty', in: 'query', type: 'string' }, 'unused-1': { name: 'unused', in: 'query', type: 'string' } },
};

async function startExtension() {
  const tls = selfSigned();
  const seen: { url: string; headers: IncomingHttpHeaders }[] = [];
  const resources = [{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'] }];
  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    response.setHeader('content-type', 'application/json');
    if (request.url === '/apis/ext.example.com/v1') response.end(JSON.stringify({ kind: 'APIResourceList', groupVersion: 'ext.example.com/v1', resources }));
    else if (request.url === '/openapi/v3') response.end(JSON.stringify({ paths: openapiIndex }));
    else if (request.url === '/openapi/v2') response.setHeader('etag', '"e1"').end(JSON.stringify(openapiV2));
    else response.end(JSON.stringify({ kind: 'FlunderList', items: [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, seen, close };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail('it did not come to be');
}

test('every served group version has an APIService', async () => {
  await using running = await startTestServer();
  await running.server.start();
  const path = '/apis/apiregistration.k8s.io/v1/apiservices';
  await until(async () => (await running.request('GET', `${path}/v1.storage.k8s.io`)).status === 200);
  await until(async () => (await running.request('GET', `${path}/v1.apps`)).body.status?.conditions?.[0]?.status === 'True');
});

test('requests of an aggregated group version reach the server that answers for it', async () => {
  const extension = await startExtension();
  try {
    await using running = await startTestServer({ dial: ({ port }) => dialDirectly({ host: '127.0.0.1', port }) });
    const { request, server } = running;
    await server.start();
    const services = '/api/v1/namespaces/default/services';
    await request('POST', services, { metadata: { name: 'ext' }, spec: { ports: [{ port: 443 }] } });
    const slice = await request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 'ext-1', labels: { 'kubernetes.io/service-name': 'ext' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.10'], conditions: { ready: true } }],
      ports: [{ name: '', port: extension.port, protocol: 'TCP' }],
    });
    assert.equal(slice.status, 201, JSON.stringify(slice.body));
    const created = await request('POST', '/apis/apiregistration.k8s.io/v1/apiservices', {
      metadata: { name: 'v1.ext.example.com' },
      spec: {
        group: 'ext.example.com',
        version: 'v1',
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 10,
        service: { name: 'ext', namespace: 'default' },
      },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const path = '/apis/ext.example.com/v1/namespaces/default/flunders';
    await until(async () => (await request('GET', path)).body.kind === 'FlunderList');
    let index = await request('GET', '/openapi/v3');
    await until(async () => {
      index = await request('GET', '/openapi/v3');
      return index.body.paths['apis/ext.example.com/v1'] !== undefined;
    });
    assert.equal(index.body.paths['apis/ext.example.com/v1'].serverRelativeURL, '/openapi/v3/apis/ext.example.com/v1?hash=E1');
    assert.notEqual(index.body.paths['version'].serverRelativeURL, openapiIndex.version.serverRelativeURL);
    const { paths, definitions, parameters } = (await request('GET', '/openapi/v2')).body;
    assert.equal(paths['/apis/ext.example.com/v1/flunders'].get.operationId, 'listFlunders');
    assert.equal(paths['/version/'].get.operationId, 'getCodeVersion');
    assert.deepEqual(definitions['com.example.ext.v1.FlunderSpec'], openapiV2.definitions['com.example.ext.v1.FlunderSpec']);
    assert.equal(definitions['com.example.ext.v1.Unused'], undefined);
    assert.ok(definitions[`${meta}.ObjectMeta`].properties.labels, 'of types that all have, this server says what they are');
    assert.deepEqual([parameters['pretty-1']?.name, parameters['unused-1']], ['pretty', undefined]);
    assert.equal((await request('GET', '/openapi/v3/apis/ext.example.com/v1')).status, 200);
    await request('GET', path);
    const last = extension.seen.at(-1);
    assert.deepEqual([last?.url, last?.headers['x-remote-user'], last?.headers['x-remote-group']], [path, 'admin', 'system:masters']);
    const { body } = await request('GET', '/apis', undefined, { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
    const group = body.items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === 'ext.example.com');
    assert.equal(group.versions[0].resources[0].resource, 'flunders');
  } finally {
    extension.close();
  }
});
