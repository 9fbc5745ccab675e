import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { deployments } from '../api/apps/v1/deployment.ts';
import { configmaps } from '../api/core/v1/configmap.ts';
import type { ConfigMap } from '../api/core/v1/types.gen.ts';
import { builtinKinds } from '../api/index.ts';
import type { Client } from '../client/client.ts';
import { createHttpsTransport } from '../client/https.ts';
import { createClient } from '../client/rest.ts';
import { admin, startTestServer, watchEvents } from './testing/server.ts';
import { selfSigned } from './testing/tls.ts';

const run = promisify(execFile);

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  metadata: { name, namespace: 'default', labels: { app: 'test' } },
  data,
});

async function exerciseCrud(client: Client): Promise<void> {
  const maps = client.resource(configmaps);
  const created = await maps.create(configMap('one', { a: '1' }));
  assert.equal(created.kind, 'ConfigMap');
  assert.ok(created.metadata.uid && created.metadata.resourceVersion && created.metadata.creationTimestamp);
  await assert.rejects(maps.create(configMap('one')), { message: 'configmaps "one" already exists' });
  const read = await maps.get('default', 'one');
  assert.deepEqual(read, created);
  const watching = watchEvents(client, configmaps, 'default', { resourceVersion: created.metadata.resourceVersion }, 3);
  const updated = await maps.update({ ...read, data: { a: '2' } });
  assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion);
  await assert.rejects(maps.update({ ...read, data: { a: '3' } }), /the object has been modified/);
  const patched = await maps.patch('default', 'one', 'merge', { data: { b: '3' } });
  assert.deepEqual(patched.data, { a: '2', b: '3' });
  const listed = await maps.list('default', { labelSelector: 'app=test' });
  assert.deepEqual(
    listed.items.map(({ metadata }) => metadata.name),
    ['one'],
  );
  await maps.delete('default', 'one');
  await assert.rejects(maps.get('default', 'one'), { message: 'configmaps "one" not found' });
  const events = await watching;
  assert.deepEqual(
    events.map(({ type, object }) => [type, Object.keys(object.data ?? {}).length]),
    [
      ['MODIFIED', 1],
      ['MODIFIED', 2],
      ['DELETED', 2],
    ],
  );
}

test('objects are created, read, changed, watched and deleted in process', async () => {
  await using running = await startTestServer();
  await exerciseCrud(running.client);
});

test('objects are created, read, changed, watched and deleted over HTTPS', async () => {
  await using running = await startTestServer();
  const tls = selfSigned();
  const listener = await running.server.listen({ port: 0, tls });
  const client = createClient(createHttpsTransport({ server: `https://127.0.0.1:${listener.port}`, ca: tls.cert }));
  await exerciseCrud(client);
  await client.close();
});

test('a scale is read and changed through the subresource', async () => {
  await using running = await startTestServer();
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } };
  await running.client.resource(deployments).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
  });
  const path = '/apis/apps/v1/namespaces/default/deployments/web/scale';
  const { body: scale } = await running.request('GET', path);
  assert.deepEqual([scale.kind, scale.spec, scale.status.selector], ['Scale', { replicas: 2 }, 'app=web']);
  const changed = await running.request('PUT', path, { ...scale, spec: { replicas: 5 } });
  assert.deepEqual(changed.body.spec, { replicas: 5 });
  const patched = await running.request('PATCH', path, { spec: { replicas: 3 } }, { 'content-type': 'application/merge-patch+json' });
  assert.equal(patched.status, 200);
  const { spec } = await running.client.resource(deployments).get('default', 'web');
  assert.equal(spec?.replicas, 3);
});

test('paths and methods that are not served fail as upstream does', async () => {
  await using running = await startTestServer();
  const { request } = running;
  assert.deepEqual((await request('GET', '/nowhere')).body, '404 page not found\n');
  assert.deepEqual((await request('GET', '/apis/nobody.example/v1/things')).body, '404 page not found\n');
  const unknown = await request('GET', '/api/v1/things');
  assert.deepEqual([unknown.status, unknown.body.message], [404, 'the server could not find the requested resource']);
  const method = await request('POST', '/api/v1/pods');
  assert.deepEqual([method.status, method.body.reason], [405, 'MethodNotAllowed']);
  assert.equal((await request('GET', '/readyz')).body, 'ok');
  assert.match((await request('GET', '/livez?verbose')).body, /\[\+\]ping ok\n[\s\S]*livez check passed\n$/);
  assert.match((await request('GET', '/metrics')).body, /apiserver_request_total\{verb="GET"/);
  assert.equal((await request('GET', '/version')).body.minor, '36');
});

const kubectl = [new URL('../../.cache/tools/kubectl', import.meta.url).pathname, '/usr/bin/kubectl'].find((path) => existsSync(path));

test('kubectl works against it', { skip: kubectl === undefined }, async () => {
  await using running = await startTestServer({ kinds: builtinKinds });
  const tls = selfSigned();
  const listener = await running.server.listen({ port: 0, tls });
  const directory = await mkdtemp(join(tmpdir(), 'knarr-kubectl-'));
  try {
    const manifest = join(directory, 'map.yaml');
    await writeFile(manifest, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-kubectl\n  namespace: default\ndata:\n  key: value\n');
    const wrong = join(directory, 'wrong.yaml');
    await writeFile(wrong, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: wrong\n  namespace: default\ndat: {}\n');
    const kube = async (...args: string[]): Promise<string> => {
      const common = ['--server', `https://127.0.0.1:${listener.port}`, '--insecure-skip-tls-verify', '--kubeconfig=/dev/null', `--cache-dir=${directory}`];
      const { stdout } = await run(kubectl as string, [...common, '--token', admin.username, ...args], { timeout: 30_000 });
      return stdout;
    };
    assert.match(await kube('create', '-f', manifest), /configmap\/from-kubectl created/);
    assert.match(await kube('get', 'configmap', 'from-kubectl', '-o', 'jsonpath={.data.key}'), /^value$/);
    assert.match(await kube('get', 'cm', '-n', 'default'), /NAME +DATA +AGE\nfrom-kubectl|NAME +CREATED AT\nfrom-kubectl/);
    assert.match(await kube('label', 'cm', 'from-kubectl', 'a=b', '-n', 'default'), /labeled/);
    assert.match(await kube('api-resources'), /deployments +deploy +apps\/v1 +true +Deployment/);
    await assert.rejects(kube('create', '-f', wrong), /unknown field "dat"/);
    assert.match(await kube('explain', 'pod.spec.containers'), /KIND: +Pod/);
    assert.match(await kube('delete', 'cm', 'from-kubectl', '-n', 'default'), /deleted/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('every write records who owns the fields, and server-side apply acts on it', async () => {
  await using running = await startTestServer();
  const { request } = running;
  const path = '/api/v1/namespaces/default/configmaps/owned';
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' }, data: { a: '1' } };
  const headers = { 'content-type': 'application/apply-patch+yaml' };
  const first = await request('PATCH', `${path}?fieldManager=one`, applied, headers);
  assert.equal(first.status, 201);
  assert.deepEqual(first.body.metadata.managedFields[0].fieldsV1, { 'f:data': { 'f:a': {} } });
  const refused = await request('PATCH', `${path}?fieldManager=two`, { ...applied, data: { a: '2' } }, headers);
  assert.deepEqual([refused.status, refused.body.details.causes[0].reason], [409, 'FieldManagerConflict']);
  const forced = await request('PATCH', `${path}?fieldManager=two&force=true`, { ...applied, data: { a: '2' } }, headers);
  assert.equal(forced.status, 200);
  const patched = await request('PATCH', path, { data: { b: '1' } }, { 'content-type': 'application/merge-patch+json', 'user-agent': 'kubectl/v1' });
  assert.deepEqual(
    patched.body.metadata.managedFields.map(({ manager, operation }: { manager: string; operation: string }) => [manager, operation]),
    [
      ['two', 'Apply'],
      ['kubectl', 'Update'],
    ],
  );
});
