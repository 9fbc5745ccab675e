import assert from 'node:assert/strict';
import test from 'node:test';
import { configmaps } from '../api/core/v1/configmap.ts';
import type { ConfigMap } from '../api/core/v1/types.gen.ts';
import { createInformerFactory } from './informers.ts';
import { createInProcessTransport } from './inprocess.ts';
import { createClient } from './rest.ts';
import { createTestServer } from './testing/server.ts';

const path = '/api/v1/namespaces/default/configmaps';
const map = (name: string, data: Record<string, string> = {}): ConfigMap => ({ metadata: { name, namespace: 'default' }, data });

function setUp() {
  const server = createTestServer();
  const client = createClient(createInProcessTransport(server.handler, { username: 'u', groups: [] }));
  const logged: string[] = [];
  const log = { warn: (_: unknown, text?: string) => void logged.push(text!), error: (_: unknown, text?: string) => void logged.push(text!) };
  const factory = createInformerFactory(client, { log });
  const seen: string[] = [];
  const record = {
    added: (object: ConfigMap, initial: boolean) => void seen.push(`${initial ? 'initial' : 'added'} ${object.metadata.name}`),
    updated: (object: ConfigMap, old: ConfigMap) => void seen.push(`updated ${object.metadata.name} ${old.data?.['x']}→${object.data?.['x']}`),
    deleted: (object: ConfigMap) => void seen.push(`deleted ${object.metadata.name}`),
  };
  return { server, client, factory, seen, record, logged };
}

/** Waits for what comes by itself; the test runner's time limit ends a wait in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

for (const streaming of [true, false]) {
  test(`initial state, changes in order, indices (${streaming ? 'streamed' : 'listed in pages'})`, async () => {
    const { server, factory, seen, record } = setUp();
    server.streaming = streaming;
    for (let index = 0; index < 1_100; index++) server.put(path, map(`m${index}`, { x: String(index % 10) }));
    const informer = factory.informer(configmaps);
    assert.equal(factory.informer(configmaps), informer);
    informer.addIndex('x', (object) => [object.data?.['x'] ?? '']);
    informer.addHandlers(record);
    await factory.start();
    assert.ok(informer.hasSynced);
    assert.equal(informer.list().length, 1_100);
    assert.equal(informer.list('default').length, 1_100);
    assert.equal(informer.list('other').length, 0);
    assert.equal(informer.byIndex('x', '3').length, 110);
    assert.equal(seen.length, 1_100);
    seen.length = 0;
    server.put(path, map('m3', { x: 'new' }));
    server.put(path, map('fresh', { x: '3' }));
    server.remove(path, 'm13');
    await until(() => seen.length === 3);
    assert.deepEqual(seen, ['updated m3 3→new', 'added fresh', 'deleted m13']);
    assert.equal(informer.byIndex('x', '3').length, 109);
    assert.deepEqual(
      informer.byIndex('x', 'new').map((object) => object.metadata.name),
      ['m3'],
    );
    assert.equal(informer.get('default', 'm13'), undefined);
    await factory.stop();
    assert.equal(server.watches, 0);
  });

  test(`after 410 it lists again: vanished objects are deleted, unchanged ones stay silent (${streaming ? 'streamed' : 'listed'})`, async () => {
    const { server, factory, seen, record } = setUp();
    server.streaming = streaming;
    for (const name of ['a', 'b', 'c']) server.put(path, map(name, { x: '1' }));
    const informer = factory.informer(configmaps);
    informer.addHandlers(record);
    await factory.start();
    seen.length = 0;
    await until(() => server.watches === 1);
    server.endWatches();
    server.remove(path, 'a');
    server.put(path, map('b', { x: '2' }));
    server.put(path, map('d'));
    server.compact();
    await until(() => seen.length === 3);
    assert.deepEqual(seen.sort(), ['added d', 'deleted a', 'updated b 1→2']);
    await factory.stop();
  });
}

test('a watch that ends is resumed where it stood, without a list', async () => {
  const { server, factory, seen, record } = setUp();
  server.put(path, map('a'));
  const informer = factory.informer(configmaps);
  informer.addHandlers(record);
  await factory.start();
  server.put(path, map('b'));
  await until(() => seen.length === 2);
  server.requests.length = 0;
  server.endWatches();
  server.put(path, map('c'));
  await until(() => seen.length === 3);
  assert.equal(server.requests.length, 1);
  assert.match(server.requests[0]!.path, /resourceVersion=3/);
  await factory.stop();
});

test('a handler that throws is logged and harms nobody; a late handler gets what is there', async () => {
  const { server, factory, seen, record, logged } = setUp();
  server.put(path, map('a'));
  const informer = factory.informer(configmaps);
  informer.addHandlers({
    added() {
      throw new Error('bug');
    },
  });
  await factory.start();
  informer.addHandlers(record);
  assert.deepEqual(seen, ['initial a']);
  assert.deepEqual(logged, ['informer handler failed']);
  server.put(path, map('b'));
  await until(() => seen.length === 2);
  await factory.stop();
});

test('transform shapes what is kept; managed fields are dropped always; an informer asked for later starts at once', async () => {
  const { server, factory } = setUp();
  server.put(path, { ...map('a', { big: 'x' }), metadata: { name: 'a', namespace: 'default', managedFields: [{ manager: 'm' }] } } as ConfigMap);
  await factory.start();
  const slim = factory.informer(configmaps, { transform: ({ metadata }) => ({ metadata }) as ConfigMap });
  await slim.synced;
  assert.deepEqual(slim.getByKey('default/a'), { metadata: { name: 'a', namespace: 'default', resourceVersion: '2' } });
  await factory.stop();
});
