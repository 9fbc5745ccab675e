/** Watches that show the same: each sees every change once, in order, and what belongs to a turn comes at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps } from '../../api/core/v1/configmap.ts';
import { startTestServer, watchEvents } from '../testing/server.ts';
import { WatchGroup } from './watchgroup.ts';

const everything = { empty: true, name: undefined, namespace: undefined, served: false, matches: () => true };
const form = {
  media: { encoding: 'json', as: '', asVersion: 'v1', stream: false, discovery: '' },
  pretty: false,
  include: 'Metadata',
  now: new Date(0),
} as const;

test('changes of one turn are one write of the same bytes, and who joins hears only of what comes after', async () => {
  await using running = await startTestServer();
  const { cacher, registry } = running.server.core;
  const resource = registry.find('', 'v1', 'configmaps');
  assert.ok(resource);
  const { cache } = resource.stored;
  const shown = { form, selection: everything, selectors: ' ', namespace: 'default' };
  const taken: Uint8Array[][] = [[], [], []];
  const join = (index: number): WatchGroup => WatchGroup.join(resource, shown, members[index] as (typeof members)[number]);
  const members = taken.map((own) => ({ take: (bytes: Uint8Array) => void own.push(bytes) }));
  const change = (name: string, revision: number, namespace = 'default'): void => {
    const value = Buffer.from(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}"}}`);
    const entry = cacher.entryOf({ key: `${cache.prefix}${namespace}/${name}`, value, createRevision: revision, modRevision: revision });
    cache.apply({ type: 'put', revision, entry, previous: undefined, time: revision });
  };
  const namesOf = (index: number): string[][] =>
    (taken[index] as Uint8Array[]).map((bytes) =>
      [
        ...Buffer.from(bytes)
          .toString()
          .matchAll(/"name":"(\w+)"/g),
      ].map(([, name]) => name as string),
    );

  const group = join(0);
  assert.equal(join(1), group);
  change('a', 1001);
  change('elsewhere', 1002, 'other');
  change('b', 1003);
  join(2);
  change('c', 1004);
  await new Promise((resolve) => process.nextTick(resolve));
  assert.deepEqual(namesOf(0), [['a', 'b'], ['c']]);
  assert.equal(taken[0]?.[0], taken[1]?.[0]);
  assert.deepEqual(namesOf(2), [['c']]);

  group.leave(members[0] as (typeof members)[number]);
  change('d', 1005);
  await new Promise((resolve) => process.nextTick(resolve));
  assert.deepEqual(namesOf(0).flat(), ['a', 'b', 'c']);
  assert.deepEqual(namesOf(1).flat(), ['a', 'b', 'c', 'd']);
  for (const member of members) group.leave(member);
  assert.equal(cache.hearers.size, 0);
});

test('watchers who come at different times see every change once, in order', async () => {
  await using running = await startTestServer();
  const { client } = running;
  const create = (name: string) => client.resource(configmaps).create({ metadata: { name, namespace: 'default', labels: { in: 'yes' } } });
  const first = await create('first');
  const labelSelector = 'in=yes';
  const after = { labelSelector, resourceVersion: first.metadata.resourceVersion };
  const early = [after, after, { ...after, fieldSelector: 'metadata.name!=map-3' }].map((query, index) =>
    watchEvents(client, configmaps, 'default', query, index === 2 ? 19 : 20),
  );
  await Promise.all(Array.from({ length: 10 }, (_, index) => create(`map-${index}`)));
  const late = [watchEvents(client, configmaps, 'default', after, 20), watchEvents(client, configmaps, 'default', { labelSelector, resourceVersion: '0' }, 21)];
  await Promise.all(Array.from({ length: 10 }, (_, index) => create(`map-${10 + index}`)));
  const [one, two, without, again, all] = (await Promise.all([...early, ...late])).map((events) => events.map(({ object }) => object.metadata.name));
  assert.deepEqual(one?.toSorted(), Array.from({ length: 20 }, (_, index) => `map-${index}`).toSorted());
  assert.deepEqual(two, one);
  assert.deepEqual(again, one);
  assert.deepEqual(
    without,
    one?.filter((name) => name !== 'map-3'),
  );
  assert.deepEqual(all?.toSorted(), [...(one ?? []), 'first'].toSorted());
});
