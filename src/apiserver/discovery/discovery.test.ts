/** What is served is what upstream serves: its aggregated discovery document, recorded from a running 1.36 server, is kept as test data. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestServer } from '../testing/server.ts';

const file = join(import.meta.dirname, 'testdata/discovery.json');
const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };

test('with everything switched on, groups, versions and resources are those of upstream', async () => {
  await using running = await startTestServer({ enable: () => true });
  const { status, body } = await running.request('GET', '/apis', undefined, aggregated);
  assert.equal(status, 200);
  assert.deepEqual(body, JSON.parse(readFileSync(file, 'utf8')));
});

test('kinds that are off by default are not served until they are switched on', async () => {
  await using running = await startTestServer();
  const { body } = await running.request('GET', '/apis', undefined, aggregated);
  const versions = body.items.flatMap(({ versions }: { versions: { version: string }[] }) => versions.map(({ version }) => version));
  assert.ok(!versions.some((version: string) => version.includes('alpha')));
  assert.equal((await running.request('GET', '/apis/scheduling.k8s.io/v1alpha2')).status, 404);
});

test('plain discovery lists subresources beside their resources', async () => {
  await using running = await startTestServer();
  const { body, headers } = await running.request('GET', '/apis/apps/v1');
  const scale = body.resources.find(({ name }: { name: string }) => name === 'deployments/scale');
  assert.deepEqual(scale, {
    name: 'deployments/scale',
    singularName: '',
    namespaced: true,
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
  });
  assert.equal(headers['content-type'], 'application/json');
  const core = await running.request('GET', '/api');
  assert.deepEqual([core.body.kind, core.body.versions], ['APIVersions', ['v1']]);
  const group = await running.request('GET', '/apis/apps');
  assert.deepEqual(group.body.preferredVersion, { groupVersion: 'apps/v1', version: 'v1' });
});

test('aggregated discovery is answered with 304 when nothing changed', async () => {
  await using running = await startTestServer();
  const first = await running.request('GET', '/api', undefined, aggregated);
  assert.equal(first.body.items[0].versions[0].resources[0].resource, 'bindings');
  const again = await running.request('GET', '/api', undefined, { ...aggregated, 'if-none-match': first.headers['etag'] as string });
  assert.equal(again.status, 304);
});

interface Discovered {
  resource: string;
  responseKind: { kind: string };
  scope: string;
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string; responseKind: { group: string; version: string; kind: string }; verbs: string[] }[];
}

/** What plain discovery says where the aggregated form says this. */
function plainOf({ resource, responseKind, scope, singularResource, verbs, shortNames, categories, subresources = [] }: Discovered): object[] {
  const namespaced = scope === 'Namespaced';
  const own = { name: resource, singularName: singularResource, namespaced, kind: responseKind.kind, verbs };
  const parts = subresources.map(({ subresource, responseKind: { group, version, kind }, verbs }) => ({
    name: `${resource}/${subresource}`,
    singularName: '',
    namespaced,
    ...(version === '' ? {} : { group, version }),
    kind,
    verbs,
  }));
  return [{ ...own, ...(shortNames ? { shortNames } : {}), ...(categories ? { categories } : {}) }, ...parts];
}

test('plain discovery says the same as aggregated discovery, of every group version', async () => {
  await using running = await startTestServer({ enable: () => true });
  const { items } = JSON.parse(readFileSync(file, 'utf8')) as {
    items: { metadata: { name: string }; versions: { version: string; resources: Discovered[] }[] }[];
  };
  const { body: list } = await running.request('GET', '/apis');
  const groups = items.map(({ metadata: { name }, versions }) => {
    const listed = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions: listed, preferredVersion: listed[0] };
  });
  assert.deepEqual(list, { kind: 'APIGroupList', apiVersion: 'v1', groups });
  for (const { metadata, versions } of items) {
    for (const { version, resources } of versions) {
      const { body } = await running.request('GET', `/apis/${metadata.name}/${version}`);
      const told = body.resources.map(({ storageVersionHash: _, ...rest }: { storageVersionHash?: string }) => rest);
      assert.deepEqual(told, resources.flatMap(plainOf), `${metadata.name}/${version}`);
    }
  }
});
