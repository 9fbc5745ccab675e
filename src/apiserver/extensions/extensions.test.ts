import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JSONSchemaProps } from '../../api/apiextensions/v1/types.gen.ts';
import type { TestServer } from '../testing/server.ts';
import { startTestServer } from '../testing/server.ts';
import { selfSigned } from '../testing/tls.ts';

const schema: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1 },
        color: { type: 'string', enum: ['red', 'green'], default: 'green' },
        parts: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, count: { type: 'integer' } } },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' }, replicas: { type: 'integer' } } },
  },
};

const definition = (changes: Record<string, unknown> = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.replicas' } },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        selectableFields: [{ jsonPath: '.spec.color' }],
      },
    ],
    ...changes,
  },
});

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';

async function declare({ request }: TestServer, body: object = definition()): Promise<void> {
  const created = await request('POST', definitions, body);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  await until(async () => (await request('GET', widgets)).status === 200);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail('it did not come to be');
}

const widget = (name: string, spec: object) => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec });

test('a declared kind is served: defaulted, pruned, validated, with status, scale, columns and selectors', async () => {
  await using running = await startTestServer();
  const { request } = running;
  await declare(running);
  const { body: crd } = await request('GET', `${definitions}/widgets.example.com`);
  assert.deepEqual(
    crd.status.conditions.map(({ type, status }: { type: string; status: string }) => `${type}=${status}`),
    ['NamesAccepted=True', 'Established=True'],
  );
  const created = await request('POST', widgets, { ...widget('one', { size: 2, unknown: 1, free: { any: { thing: 1 } } }), status: { phase: 'x' } });
  assert.equal(created.status, 201);
  assert.deepEqual(created.body.spec, { size: 2, free: { any: { thing: 1 } }, color: 'green' });
  assert.equal(created.body.status, undefined);
  assert.match(created.headers['warning'] ?? '', /unknown field \\"spec.unknown\\"/);
  const strict = await request('POST', `${widgets}?fieldValidation=Strict`, widget('two', { size: 2, unknown: 1 }));
  assert.match(strict.body.message, /strict decoding error: unknown field "spec.unknown"/);

  const wrong = await request('POST', widgets, widget('wrong', { size: 'big', color: 'blue' }));
  assert.deepEqual(
    [wrong.status, wrong.body.details.causes],
    [
      422,
      [
        { reason: 'FieldValueTypeInvalid', message: 'Invalid value: "string": spec.size in body must be of type integer: "string"', field: 'spec.size' },
        { reason: 'FieldValueNotSupported', message: 'Unsupported value: "blue": supported values: "red", "green"', field: 'spec.color' },
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 0: .spec.size accessor error: big is of the type string, expected int64',
          field: '.spec.size',
        },
      ],
    ],
  );
  const missing = await request('POST', widgets, widget('wrong', {}));
  assert.equal(missing.body.details.causes[0].message, 'Required value');

  const status = await request(
    'PATCH',
    `${widgets}/one/status`,
    { status: { phase: 'done' }, spec: { size: 9 } },
    { 'content-type': 'application/merge-patch+json' },
  );
  assert.deepEqual([status.body.status, status.body.spec.size, status.body.metadata.generation], [{ phase: 'done' }, 2, 1]);
  const scale = await request('PATCH', `${widgets}/one/scale`, { spec: { replicas: 5 } }, { 'content-type': 'application/merge-patch+json' });
  assert.equal(scale.body.spec.replicas, 5);
  const table = await request('GET', widgets, undefined, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
  assert.deepEqual(table.body.rows[0].cells, ['one', 5]);
  assert.equal((await request('GET', `${widgets}?fieldSelector=spec.color=green`)).body.items.length, 1);
  assert.equal((await request('GET', `${widgets}?fieldSelector=spec.color=red`)).body.items.length, 0);
  const list = await request('GET', widgets);
  assert.deepEqual([list.body.kind, list.body.items[0].kind, list.body.items[0].apiVersion], ['WidgetList', 'Widget', 'example.com/v1']);
  const discovery = await request('GET', '/apis/example.com/v1');
  assert.deepEqual(
    discovery.body.resources.map(({ name }: { name: string }) => name),
    ['widgets', 'widgets/scale', 'widgets/status'],
  );
  const openapi = await request('GET', '/openapi/v3/apis/example.com/v1');
  assert.equal(openapi.body.components.schemas['com.example.v1.Widget'].properties.spec.properties.size.minimum, 1);
});

test('server-side apply merges the lists of a declared kind by their keys', async () => {
  await using running = await startTestServer();
  const { request } = running;
  await declare(running);
  const headers = { 'content-type': 'application/apply-patch+yaml' };
  const part = (name: string, count: number) => widget('one', { size: 1, parts: [{ name, count }] });
  await request('PATCH', `${widgets}/one?fieldManager=a`, part('x', 1), headers);
  const merged = await request('PATCH', `${widgets}/one?fieldManager=b`, part('y', 2), headers);
  assert.deepEqual(merged.body.spec.parts, [
    { name: 'x', count: 1 },
    { name: 'y', count: 2 },
  ]);
});

test('a kind may be served in several versions', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const [version] = definition().spec.versions;
  await declare(running, definition({ versions: [version, { ...version, name: 'v2', storage: false }] }));
  await request('POST', widgets, widget('one', { size: 1 }));
  const other = await request('GET', '/apis/example.com/v2/namespaces/default/widgets/one');
  assert.deepEqual([other.body.apiVersion, other.body.spec.size], ['example.com/v2', 1]);
  const group = await request('GET', '/apis/example.com');
  assert.equal(group.body.preferredVersion.version, 'v2');
});

test('a definition that goes takes its objects with it', async () => {
  await using running = await startTestServer();
  const { request } = running;
  await declare(running);
  await request('POST', widgets, widget('one', { size: 1 }));
  await request('DELETE', `${definitions}/widgets.example.com`);
  await until(async () => (await request('GET', `${definitions}/widgets.example.com`)).status === 404);
  await until(async () => (await request('GET', widgets)).status === 404);
  await declare(running);
  assert.deepEqual((await request('GET', widgets)).body.items, []);
});

test('a definition that cannot be is refused', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const wrong = definition({
    scope: 'Nowhere',
    versions: [{ name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object', properties: { a: {} } } } }],
  });
  const { status, body } = await request('POST', definitions, wrong);
  assert.equal(status, 422);
  assert.deepEqual(
    body.details.causes.map(({ field }: { field: string }) => field),
    ['spec.scope', 'spec.versions', 'spec.validation.openAPIV3Schema.properties[a].type', 'status.storedVersions'],
  );
});

async function startConversionWebhook() {
  const tls = selfSigned();
  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString());
      const { uid, desiredAPIVersion, objects } = review.request;
      const convertedObjects = objects.map((object: { spec: Record<string, unknown> }) => {
        const { size, length, ...rest } = object.spec;
        return {
          ...object,
          apiVersion: desiredAPIVersion,
          spec: desiredAPIVersion.endsWith('v2') ? { ...rest, length: size ?? length } : { ...rest, size: size ?? length },
        };
      });
      response.end(JSON.stringify({ ...review, request: undefined, response: { uid, convertedObjects, result: { status: 'Success' } } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/convert`, ca: tls.cert, close };
}

test('versions that differ are converted by a webhook', async () => {
  const webhook = await startConversionWebhook();
  try {
    await using running = await startTestServer();
    const { request } = running;
    const [version] = definition().spec.versions;
    const other = { type: 'object', properties: { spec: { type: 'object', required: ['length'], properties: { length: { type: 'integer' } } } } };
    const clientConfig = { url: webhook.url, caBundle: Buffer.from(webhook.ca).toString('base64') };
    const conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } };
    await declare(running, definition({ conversion, versions: [version, { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: other } }] }));
    const path = '/apis/example.com/v2/namespaces/default/widgets';
    assert.equal((await request('POST', widgets, widget('one', { size: 1 }))).status, 201);
    assert.deepEqual((await request('GET', `${path}/one`)).body.spec, { length: 1 });
    const created = await request('POST', path, { apiVersion: 'example.com/v2', kind: 'Widget', metadata: { name: 'two' }, spec: { length: 2 } });
    assert.deepEqual([created.status, created.body.spec], [201, { length: 2 }]);
    assert.equal((await request('GET', `${widgets}/two`)).body.spec.size, 2);
    const list = await request('GET', path);
    assert.deepEqual(
      list.body.items.map(({ spec }: { spec: object }) => spec),
      [{ length: 1 }, { length: 2 }],
    );
    const patched = await request('PATCH', `${path}/one`, { spec: { length: 5 } }, { 'content-type': 'application/merge-patch+json' });
    assert.deepEqual(patched.body.spec, { length: 5 });
    const watch = await running.server.handle(
      { method: 'GET', path: `${path}?watch=1&resourceVersion=0&timeoutSeconds=1`, headers: {} },
      { username: 'a', groups: [] },
    );
    const seen: unknown[] = [];
    for await (const chunk of watch.body) for (const line of Buffer.from(chunk).toString().trim().split('\n')) seen.push(JSON.parse(line).object.spec);
    assert.deepEqual(seen, [{ length: 5 }, { length: 2 }]);
    assert.equal((await request('DELETE', `${path}/one`)).status, 200);
  } finally {
    webhook.close();
  }
});

test('rules in CEL are checked, and values that were wrong before may stay', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const rule = { rule: 'self.min <= self.max', messageExpression: "'min ' + string(self.min) + ' is above max'" };
  const properties = {
    min: { type: 'integer' },
    max: { type: 'integer', maximum: 100 },
    'fixed-name': { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'may not change' }] },
  };
  const strict: JSONSchemaProps = { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-validations': [rule], properties } } };
  const versions = (openAPIV3Schema: JSONSchemaProps) => [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }];
  await declare(running, definition({ versions: versions(strict) }));
  const wrong = await request('POST', widgets, widget('one', { min: 5, max: 3 }));
  assert.deepEqual(wrong.body.details.causes, [{ reason: 'FieldValueInvalid', message: 'Invalid value: min 5 is above max', field: 'spec' }]);
  assert.equal((await request('POST', widgets, widget('one', { min: 1, max: 90, 'fixed-name': 'a' }))).status, 201);
  const merge = { 'content-type': 'application/merge-patch+json' };
  const changed = await request('PATCH', `${widgets}/one`, { spec: { 'fixed-name': 'b' } }, merge);
  assert.equal(changed.body.details.causes[0].message, 'Invalid value: "b": may not change');
  const tighter = {
    ...strict,
    properties: { spec: { ...strict.properties?.['spec'], properties: { ...properties, max: { type: 'integer', maximum: 50 } } } as JSONSchemaProps },
  };
  await request('PATCH', `${definitions}/widgets.example.com`, { spec: { versions: versions(tighter) } }, merge);
  await until(async () => (await request('POST', `${widgets}?dryRun=All`, widget('two', { min: 1, max: 90 }))).status === 422);
  assert.equal((await request('PATCH', `${widgets}/one`, { spec: { min: 2 } }, merge)).status, 200);
  assert.equal((await request('PATCH', `${widgets}/one`, { spec: { max: 80 } }, merge)).status, 422);
});
