/** What clients rely on in lists, watches, writes and deletions, beyond the plain cases. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { configmaps } from '../api/core/v1/configmap.ts';
import type { ConfigMap } from '../api/core/v1/types.gen.ts';
import { structOfKind } from '../api/schema.ts';
import { decodeEnvelope, decodeProtobuf } from '../apimachinery/codec/protobuf.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { TestServer } from './testing/server.ts';
import { admin, startTestServer, watchEvents } from './testing/server.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string, labels: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels },
});

async function createMaps({ client }: TestServer, ...names: string[]): Promise<ConfigMap[]> {
  const created: ConfigMap[] = [];
  for (const name of names) created.push(await client.resource(configmaps).create(map(name)));
  return created;
}

/** What these tests look at in a decoded message. */
interface Decoded {
  metadata: { name: string };
  items: Decoded[];
  reason?: string;
}

const namesOf = (body: { items: ConfigMap[] }): string[] => body.items.map(({ metadata }) => metadata.name);

test('a list comes in pieces that are all of one moment', async () => {
  await using running = await startTestServer();
  await createMaps(running, 'a', 'b', 'c', 'd', 'e');
  const first = await running.request('GET', `${maps}?limit=2`);
  assert.deepEqual([namesOf(first.body), first.body.metadata.remainingItemCount], [['a', 'b'], 3]);
  await running.client.resource(configmaps).delete('default', 'c');
  const second = await running.request('GET', `${maps}?limit=2&continue=${first.body.metadata.continue}`);
  assert.deepEqual([namesOf(second.body), second.body.metadata.resourceVersion], [['c', 'd'], first.body.metadata.resourceVersion]);
  const last = await running.request('GET', `${maps}?limit=2&continue=${second.body.metadata.continue}`);
  assert.deepEqual([namesOf(last.body), last.body.metadata.continue], [['e'], undefined]);
});

test('a list whose moment is compacted away goes on inconsistently if the client wants that', async () => {
  const store = createMemoryStore();
  await using running = await startTestServer({ store });
  await createMaps(running, 'a', 'b', 'c');
  const first = await running.request('GET', `${maps}?limit=1`);
  await createMaps(running, 'd');
  await store.compact(await store.currentRevision());
  const expired = await running.request('GET', `${maps}?limit=1&continue=${first.body.metadata.continue}`);
  assert.deepEqual([expired.status, expired.body.reason], [410, 'Expired']);
  const rest = await running.request('GET', `${maps}?continue=${expired.body.metadata.continue}`);
  assert.deepEqual(namesOf(rest.body), ['b', 'c', 'd']);
});

test('a token is worth no more than its revision, even where nothing changed since', async () => {
  const store = createMemoryStore();
  await using running = await startTestServer({ store });
  await createMaps(running, 'a', 'b', 'c');
  const first = await running.request('GET', `${maps}?limit=1`);
  await running.request('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'other' } });
  const token = `${maps}?limit=1&continue=${first.body.metadata.continue}`;
  assert.equal((await running.request('GET', token)).status, 200);
  await store.compact(await store.currentRevision());
  assert.equal((await running.request('GET', token)).status, 410);
});

test('an exact list is of that revision, and one that is too new is waited for in vain', async () => {
  await using running = await startTestServer();
  const [a] = await createMaps(running, 'a', 'b');
  const exact = await running.request('GET', `${maps}?resourceVersion=${a?.metadata.resourceVersion}&resourceVersionMatch=Exact`);
  assert.deepEqual([namesOf(exact.body), exact.body.metadata.resourceVersion], [['a'], a?.metadata.resourceVersion]);
  const newer = await running.request('GET', `${maps}?resourceVersion=${a?.metadata.resourceVersion}&resourceVersionMatch=NotOlderThan`);
  assert.deepEqual(namesOf(newer.body), ['a', 'b']);
  const future = await running.request('GET', `${maps}?resourceVersion=99999`);
  assert.deepEqual([future.status, future.body.details.causes[0].reason], [504, 'ResourceVersionTooLarge']);
  const nonsense = await running.request('GET', `${maps}?resourceVersionMatch=Exact`);
  assert.equal(nonsense.body.details.causes[0].message, 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
});

test('a watch begins with the state and its bookmark when asked for', async () => {
  await using running = await startTestServer();
  await createMaps(running, 'a', 'b');
  const query = { sendInitialEvents: true, allowWatchBookmarks: true, resourceVersionMatch: 'NotOlderThan' };
  const events = await watchEvents(running.client, configmaps, 'default', query, 3);
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.metadata.name ?? '']),
    [
      ['ADDED', 'a'],
      ['ADDED', 'b'],
      ['BOOKMARK', ''],
    ],
  );
  assert.equal(events[2]?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
});

test('objects come into a selection and leave it', async () => {
  await using running = await startTestServer();
  const all = running.client.resource(configmaps);
  const { metadata } = await all.create(map('before'));
  const watching = watchEvents(running.client, configmaps, 'default', { labelSelector: 'in=yes', resourceVersion: metadata.resourceVersion }, 3);
  const one = await all.create(map('one'));
  await all.update({ ...one, metadata: { ...one.metadata, labels: { in: 'yes' } } });
  const inside = await all.patch('default', 'one', 'merge', { data: { a: '1' } });
  const outside = await all.update({ ...inside, metadata: { ...inside.metadata, labels: {} } });
  const events = await watching;
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  );
  // It is shown as it was when it still matched, at the revision that took it out.
  assert.deepEqual([events[2]?.object.metadata.labels, events[2]?.object.metadata.resourceVersion], [{ in: 'yes' }, outside.metadata.resourceVersion]);
});

test('a watch from a forgotten revision gets an error event', async () => {
  await using running = await startTestServer();
  await createMaps(running, 'a');
  const response = await running.server.handle({ method: 'GET', path: `${maps}?watch=1&resourceVersion=1`, headers: {} }, admin);
  assert.equal(response.status, 200);
  const { cache } = running.server.core.registry.of(configmaps).stored;
  cache.oldestRevision = 1000;
  const late = await running.server.handle({ method: 'GET', path: `${maps}?watch=1&resourceVersion=2`, headers: {} }, admin);
  assert.equal(late.status, 200);
  for await (const chunk of late.body) {
    const { type, object } = JSON.parse(Buffer.from(chunk).toString());
    assert.deepEqual([type, object.code, object.reason], ['ERROR', 410, 'Expired']);
  }
});

test('a dry run changes nothing', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const dry = await request('POST', `${maps}?dryRun=All`, map('dry'));
  assert.deepEqual([dry.status, dry.body.metadata.resourceVersion], [201, undefined]);
  assert.equal((await request('GET', `${maps}/dry`)).status, 404);
  await createMaps(running, 'wet');
  const patched = await request('PATCH', `${maps}/wet?dryRun=All`, { data: { a: '1' } }, { 'content-type': 'application/merge-patch+json' });
  assert.deepEqual(patched.body.data, { a: '1' });
  assert.equal((await request('DELETE', `${maps}/wet?dryRun=All`)).status, 200);
  assert.equal((await request('GET', `${maps}/wet`)).body.data, undefined);
  assert.equal((await request('POST', `${maps}?dryRun=Some`, map('x'))).status, 422);
});

test('unknown and repeated fields are warned about, refused or ignored as the client asks', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"NAME"},"wrong":1,"data":{"a":"1"},"data":{"a":"2"}}';
  const warned = await request('POST', maps, text.replace('NAME', 'one'));
  assert.equal(warned.status, 201);
  assert.equal(warned.headers['warning'], '299 - "unknown field \\"wrong\\"", 299 - "duplicate field \\"data\\""');
  const strict = await request('POST', `${maps}?fieldValidation=Strict`, text.replace('NAME', 'two'));
  assert.equal(
    strict.body.message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "wrong", duplicate field "data"',
  );
  const ignored = await request('POST', `${maps}?fieldValidation=Ignore`, text.replace('NAME', 'three'));
  assert.deepEqual([ignored.status, ignored.headers['warning']], [201, undefined]);
});

test('bodies and answers that cannot be understood are refused', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const unsupported = await request('POST', maps, 'x', { 'content-type': 'text/plain' });
  assert.deepEqual([unsupported.status, unsupported.body.reason], [415, 'UnsupportedMediaType']);
  const notAcceptable = await request('GET', maps, undefined, { accept: 'text/html' });
  assert.deepEqual([notAcceptable.status, notAcceptable.body.reason], [406, 'NotAcceptable']);
  const large = await request('POST', maps, Buffer.alloc(3 * 1024 * 1024 + 1, 'x'));
  assert.deepEqual([large.status, large.body.message], [413, 'Request entity too large: limit is 3145728']);
  const patch = await request('PATCH', `${maps}/a`, {}, { 'content-type': 'application/json' });
  assert.equal(patch.status, 415);
  const kind = await request('POST', maps, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } });
  assert.equal(kind.status, 400);
  const version = await request('POST', maps, { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'a' } });
  assert.equal(
    version.body.message,
    'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  );
});

test('names are generated, and finalizers and preconditions hold a deletion back', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const generated = await request('POST', maps, { metadata: { generateName: 'gen-' } });
  assert.match(generated.body.metadata.name, /^gen-[a-z0-9]{5}$/);
  await request('POST', maps, { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
  const wrong = await request('DELETE', `${maps}/held`, { preconditions: { uid: 'other' } });
  assert.deepEqual([wrong.status, wrong.body.reason], [409, 'Conflict']);
  const waiting = await request('DELETE', `${maps}/held`);
  assert.equal(waiting.status, 200);
  assert.ok(waiting.body.metadata.deletionTimestamp);
  const released = await request('PATCH', `${maps}/held`, { metadata: { finalizers: null } }, { 'content-type': 'application/merge-patch+json' });
  assert.equal(released.status, 200);
  assert.equal((await request('GET', `${maps}/held`)).status, 404);
  const foreground = await request('POST', maps, { metadata: { name: 'parent' } });
  assert.equal(foreground.status, 201);
  const started = await request('DELETE', `${maps}/parent`, { propagationPolicy: 'Foreground' });
  assert.deepEqual([started.status, started.body.metadata.finalizers], [200, ['foregroundDeletion']]);
});

test('a collection is deleted by selector', async () => {
  await using running = await startTestServer();
  const { request, client } = running;
  await client.resource(configmaps).create(map('a', { gone: 'yes' }));
  await client.resource(configmaps).create(map('b'));
  const { status, body } = await request('DELETE', `${maps}?labelSelector=gone=yes`);
  assert.deepEqual([status, body.kind], [200, 'ConfigMapList']);
  assert.deepEqual(namesOf((await request('GET', maps)).body), ['b']);
});

test('protobuf is spoken for objects, lists, tables, metadata, statuses, watches and discovery', async () => {
  await using running = await startTestServer();
  const { request } = running;
  await createMaps(running, 'a');
  const accept = 'application/vnd.kubernetes.protobuf';
  const decode = (bytes: Buffer) => {
    const { apiVersion, kind, raw } = decodeEnvelope(bytes);
    return {
      apiVersion,
      kind,
      object: decodeProtobuf(structOfKind(apiVersion, kind) as NonNullable<ReturnType<typeof structOfKind>>, raw) as unknown as Decoded,
    };
  };
  const one = decode((await request('GET', `${maps}/a`, undefined, { accept })).bytes);
  assert.deepEqual([one.kind, one.object.metadata.name], ['ConfigMap', 'a']);
  const list = decode((await request('GET', maps, undefined, { accept })).bytes);
  assert.deepEqual([list.kind, list.object.items.length], ['ConfigMapList', 1]);
  const partial = decode((await request('GET', maps, undefined, { accept: `${accept};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1` })).bytes);
  assert.deepEqual([partial.apiVersion, partial.kind, partial.object.items[0]?.metadata.name], ['meta.k8s.io/v1', 'PartialObjectMetadataList', 'a']);
  const missing = await request('GET', `${maps}/none`, undefined, { accept });
  assert.deepEqual([missing.status, decode(missing.bytes).object.reason], [404, 'NotFound']);
  const groups = decode((await request('GET', '/apis', undefined, { accept })).bytes);
  assert.equal(groups.kind, 'APIGroupList');
  const aggregated = await request('GET', '/apis', undefined, { accept: `${accept};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList` });
  assert.equal(aggregated.status, 200, aggregated.body);
  const watch = await running.server.handle(
    { method: 'GET', path: `${maps}?watch=1&resourceVersion=0&timeoutSeconds=1`, headers: { accept: `${accept};stream=watch` } },
    admin,
  );
  for await (const chunk of watch.body) {
    assert.equal(Buffer.from(chunk).readUInt32BE(0), chunk.byteLength - 4);
    break;
  }
});

test('a request that takes too long is answered with 504', async () => {
  await using running = await startTestServer({ requestTimeoutMs: 50 });
  running.server.addAdmission([{ name: 'Slow', handles: () => true, admit: () => sleep(200) }]);
  const late = await running.request('POST', maps, map('slow'));
  assert.deepEqual([late.status, late.body.message], [504, 'Timeout: request did not complete within the allotted timeout']);
});

test('a long state is sent in slices, and what happens meanwhile comes after it', async () => {
  await using running = await startTestServer();
  const count = 1500;
  await Promise.all(Array.from({ length: count }, (_, index) => running.client.resource(configmaps).create(map(`m-${String(index).padStart(4, '0')}`))));
  const path = `${maps}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`;
  const response = await running.server.handle({ method: 'GET', path, headers: {} }, admin);
  const during = running.client.resource(configmaps).create(map('late'));
  const types: string[] = [];
  let bookmark = 0;
  let late = 0;
  reading: for await (const chunk of response.body) {
    for (const line of Buffer.from(chunk).toString().trim().split('\n')) {
      const { type, object } = JSON.parse(line);
      types.push(type);
      if (type === 'BOOKMARK') bookmark = Number(object.metadata.resourceVersion);
      if (object.metadata.name === 'late') {
        late = Number(object.metadata.resourceVersion);
        break reading;
      }
    }
  }
  await during;
  assert.deepEqual([types.length, types.indexOf('BOOKMARK')], [count + 2, count]);
  assert.ok(bookmark < late);
});

test('long lists in other forms are whole', async () => {
  await using running = await startTestServer();
  await Promise.all(Array.from({ length: 1200 }, (_, index) => running.client.resource(configmaps).create(map(`m-${index}`))));
  const table = await running.request('GET', maps, undefined, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
  assert.deepEqual([table.body.kind, table.body.rows.length, table.body.columnDefinitions[0].name], ['Table', 1200, 'Name']);
  const partial = await running.request('GET', maps, undefined, { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' });
  assert.deepEqual([partial.body.kind, partial.body.items.length], ['PartialObjectMetadataList', 1200]);
  const accept = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
  const { apiVersion, kind, raw } = decodeEnvelope((await running.request('GET', maps, undefined, { accept })).bytes);
  const struct = structOfKind(apiVersion, kind) as NonNullable<ReturnType<typeof structOfKind>>;
  assert.equal((decodeProtobuf(struct, raw) as { items?: unknown[] }).items?.length, 1200);
});

test('what does not exist is created by PUT where the kind allows it, and by nothing else but apply', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const lease = { metadata: { name: 'l', namespace: 'default' }, spec: {} };
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/l';
  assert.equal((await request('PUT', path, lease)).status, 201);
  assert.equal((await request('PUT', `${maps}/none`, map('none'))).status, 404);
  const service = '/api/v1/namespaces/default/services/none';
  const body = { metadata: { name: 'none' }, spec: { ports: [{ port: 80 }] } };
  assert.equal((await request('PUT', `${service}/status`, body)).status, 404);
  assert.equal((await request('PATCH', service, body, { 'content-type': 'application/merge-patch+json' })).status, 404);
  assert.equal(
    (
      await request(
        'PATCH',
        `${service}/status?fieldManager=m`,
        { apiVersion: 'v1', kind: 'Service', ...body },
        { 'content-type': 'application/apply-patch+yaml' },
      )
    ).status,
    404,
  );
  assert.equal((await request('PUT', service, body)).status, 201);
});

test('ephemeral containers and resources of a pod change through their own endpoints', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const pods = '/api/v1/namespaces/default/pods';
  const merge = { 'content-type': 'application/strategic-merge-patch+json' };
  await request('POST', pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] } });
  const debug = await request('PATCH', `${pods}/p/ephemeralcontainers`, { spec: { ephemeralContainers: [{ name: 'debug', image: 'i' }] } }, merge);
  assert.deepEqual([debug.status, debug.body.spec?.ephemeralContainers?.[0]?.name], [200, 'debug'], JSON.stringify(debug.body));
  const resized = await request('PATCH', `${pods}/p/resize`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }] } }, merge);
  assert.deepEqual([resized.status, resized.body.spec?.containers?.[0]?.resources.requests.cpu], [200, '2'], JSON.stringify(resized.body));
  const refused = await request('PATCH', `${pods}/p`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '3' } } }] } }, merge);
  assert.equal(refused.status, 422);
});

test('a client may allow less time, in a form that is understood', async () => {
  await using running = await startTestServer();
  running.server.addAdmission([{ name: 'Slow', handles: ({ operation }) => operation === 'CREATE', admit: () => sleep(200) }]);
  const late = await running.request('POST', `${maps}?timeout=20ms`, map('slow'));
  assert.equal(late.status, 504);
  const wrong = await running.request('GET', `${maps}?timeout=soon`);
  assert.deepEqual([wrong.status, wrong.body.message.startsWith('invalid timeout specified in the request URL')], [400, true]);
});
