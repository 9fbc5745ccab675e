import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { storageversionmigrations } from '../../../src/api/storagemigration/v1beta1/storageversionmigration.ts';
import { startTestServer } from '../../../src/apiserver/testing/server.ts';
import { storageVersionMigratorController } from '../../../src/controllers/storageversionmigrator.ts';
import { eventually, startCluster } from './harness.ts';

test('a migration writes every object of its resource anew, unchanged, and says that it is done', async () => {
  await using cluster = await startCluster({ controllers: [storageVersionMigratorController], server: await startTestServer({ enable: () => true }) });
  const { client } = cluster;
  const maps = client.resource(configmaps);
  for (const name of ['one', 'two']) await maps.create({ metadata: { name, namespace: 'default' }, data: { key: name } });
  const before = (await maps.list('default')).items;
  await client.resource(storageversionmigrations).create({ metadata: { name: 'maps' }, spec: { resource: { group: '', resource: 'configmaps' } } });
  const done = await eventually(async () => {
    const migration = await client.resource(storageversionmigrations).get('', 'maps');
    return migration.status?.conditions?.some(({ type, status }) => type === 'Succeeded' && status === 'True') && migration;
  }, 'the migration is done');
  assert.deepEqual(
    done.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
    ['Running=False MigrationRunning', 'Succeeded=True StorageVersionMigrationSucceeded'],
  );
  assert.ok(Number(done.status?.resourceVersion) > 0);
  const data = (items: typeof before): unknown => items.map(({ metadata: { name, uid }, data: values }) => [name, uid, values]);
  assert.deepEqual(data((await maps.list('default')).items), data(before));
});

test('a migration of what is not served yet waits, and holds up no other', async () => {
  await using cluster = await startCluster({ controllers: [storageVersionMigratorController], server: await startTestServer({ enable: () => true }) });
  const { client } = cluster;
  await client.resource(storageversionmigrations).create({ metadata: { name: 'none' }, spec: { resource: { group: 'example.com', resource: 'nones' } } });
  await client.resource(storageversionmigrations).create({ metadata: { name: 'maps' }, spec: { resource: { group: '', resource: 'configmaps' } } });
  await eventually(
    async () =>
      (await client.resource(storageversionmigrations).get('', 'maps')).status?.conditions?.some(
        ({ type, status }) => type === 'Succeeded' && status === 'True',
      ),
    'another is done meanwhile',
  );
  assert.equal((await client.resource(storageversionmigrations).get('', 'none')).status?.conditions, undefined);
});
