/** What every store does, shown on each of the three. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startCompactor } from './compactor.ts';
import { createEtcdStore } from './etcd.ts';
import { openLmdbStore } from './lmdb.ts';
import { createMemoryStore } from './memory.ts';
import {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  RevisionMismatchError,
  type Store,
  StoreClosedError,
  type StoreEvent,
  type Watch,
} from './store.ts';
import { findEtcd, startEtcd } from './testing/etcd.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString();

/** The first `count` events; progress is left out. */
async function take(watch: Watch, count: number): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  if (count === 0) return events;
  for await (const message of watch) {
    if (message.type !== 'event') continue;
    events.push(message.event);
    if (events.length === count) break;
  }
  return events;
}

interface Opened {
  store: Store;
  dispose(): Promise<void>;
}

function contract(open: () => Promise<Opened>): void {
  let store: Store;
  let dispose: () => Promise<void>;
  let folder = 0;
  /** Keys of one test; the store is shared. */
  const fresh = (): string => `/registry/test${++folder}/`;

  before(async () => {
    ({ store, dispose } = await open());
  });
  after(() => dispose());

  test('a created key is found with its revision, and not created twice', async () => {
    const key = `${fresh()}a`;
    const revision = await store.create(key, bytes('1'));
    const { entry } = await store.get(key);
    assert.deepEqual({ ...entry, value: text(entry?.value) }, { key, value: '1', createRevision: revision, modRevision: revision });
    await assert.rejects(store.create(key, bytes('2')), KeyExistsError);
    assert.equal(text((await store.get(key)).entry?.value), '1');
  });

  test('an absent key has no entry, and the answer names the revision', async () => {
    const { entry, revision } = await store.get(`${fresh()}none`);
    assert.equal(entry, undefined);
    assert.equal(revision, await store.currentRevision());
  });

  test('an update needs the revision that stands, and a failed one tells which that is', async () => {
    const key = `${fresh()}a`;
    const first = await store.create(key, bytes('1'));
    const second = await store.update(key, bytes('2'), first);
    assert.ok(second > first);
    await assert.rejects(store.update(key, bytes('3'), first), (error: RevisionMismatchError) => {
      assert.ok(error instanceof RevisionMismatchError);
      assert.equal(error.current?.modRevision, second);
      assert.equal(error.current?.createRevision, first);
      return true;
    });
    await assert.rejects(store.update(`${key}-none`, bytes('x'), second), (error: RevisionMismatchError) => error.current === undefined);
  });

  test('a deleted key is gone, can be created again, and is not deleted twice', async () => {
    const key = `${fresh()}a`;
    const first = await store.create(key, bytes('1'));
    await assert.rejects(store.delete(key, first + 1_000), RevisionMismatchError);
    const deleted = await store.delete(key, first);
    assert.ok(deleted > first);
    assert.equal((await store.get(key)).entry, undefined);
    await assert.rejects(store.delete(key, first), RevisionMismatchError);
    await assert.rejects(store.delete(key, 0), RevisionMismatchError);
    const again = await store.create(key, bytes('2'));
    assert.equal((await store.get(key)).entry?.createRevision, again);
  });

  test('of writes of the same revision that race, one wins', async () => {
    const key = `${fresh()}a`;
    const first = await store.create(key, bytes('0'));
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => store.update(key, bytes(`${index}`), first)));
    const won = results.filter((result) => result.status === 'fulfilled');
    assert.equal(won.length, 1);
    assert.equal((await store.get(key)).entry?.modRevision, won[0]!.value);
    for (const result of results) if (result.status === 'rejected') assert.ok(result.reason instanceof RevisionMismatchError);
  });

  test('a list has the keys of the prefix in order, as a page, from a key on, and counts the rest', async () => {
    const prefix = fresh();
    for (const name of ['c', 'a', 'd', 'b', 'e']) await store.create(prefix + name, bytes(name));
    await store.create(`${prefix.slice(0, -1)}0`, bytes('other'));
    const all = await store.list(prefix);
    assert.deepEqual(
      all.entries.map((entry) => text(entry.value)),
      ['a', 'b', 'c', 'd', 'e'],
    );
    assert.equal(all.count, 5);
    assert.equal(all.revision, await store.currentRevision());
    const page = await store.list(prefix, { limit: 2, startKey: `${prefix}b` });
    assert.deepEqual(
      page.entries.map((entry) => text(entry.value)),
      ['b', 'c'],
    );
    assert.equal(page.count, 4);
    assert.equal(await store.count(prefix), 5);
    const none = await store.list(`${prefix}none/`);
    assert.deepEqual([none.entries, none.count], [[], 0]);
  });

  test('the past can be read: values, deletions and pages as of a revision', async () => {
    const prefix = fresh();
    const a1 = await store.create(`${prefix}a`, bytes('a1'));
    const b1 = await store.create(`${prefix}b`, bytes('b1'));
    const a2 = await store.update(`${prefix}a`, bytes('a2'), a1);
    const gone = await store.delete(`${prefix}b`, b1);
    const c1 = await store.create(`${prefix}c`, bytes('c1'));
    const at = async (revision: number): Promise<string[]> => (await store.list(prefix, { revision })).entries.map((entry) => text(entry.value)!);
    assert.deepEqual(await at(a1), ['a1']);
    assert.deepEqual(await at(b1), ['a1', 'b1']);
    assert.deepEqual(await at(a2), ['a2', 'b1']);
    assert.deepEqual(await at(gone), ['a2']);
    assert.deepEqual(await at(c1), ['a2', 'c1']);
    assert.equal(text((await store.get(`${prefix}b`, { revision: a2 })).entry?.value), 'b1');
    assert.equal((await store.get(`${prefix}b`, { revision: gone })).entry, undefined);
    const page = await store.list(prefix, { revision: a2, limit: 1 });
    assert.equal(page.count, 2);
    const rest = await store.list(prefix, { revision: a2, startKey: `${prefix}a\0` });
    assert.deepEqual(
      rest.entries.map((entry) => text(entry.value)),
      ['b1'],
    );
  });

  test('a revision that has not come yet can not be read', async () => {
    await assert.rejects(store.list('/registry/', { revision: (await store.currentRevision()) + 1_000 }), FutureRevisionError);
  });

  test('a watch tells of the past after its revision, then of what happens, in order, with the value before', async () => {
    const prefix = fresh();
    const start = await store.currentRevision();
    const first = await store.create(`${prefix}a`, bytes('1'));
    const watch = store.watch(prefix, start);
    const events = take(watch, 4);
    await store.create(`${fresh()}other`, bytes('x'));
    const second = await store.update(`${prefix}a`, bytes('2'), first);
    const gone = await store.delete(`${prefix}a`, second);
    const again = await store.create(`${prefix}a`, bytes('3'));
    assert.deepEqual(
      (await events).map(({ type, key, revision, value, previous }) => ({ type, key, revision, value: text(value), before: text(previous?.value) })),
      [
        { type: 'put', key: `${prefix}a`, revision: first, value: '1', before: undefined },
        { type: 'put', key: `${prefix}a`, revision: second, value: '2', before: '1' },
        { type: 'delete', key: `${prefix}a`, revision: gone, value: undefined, before: '2' },
        { type: 'put', key: `${prefix}a`, revision: again, value: '3', before: undefined },
      ],
    );
    const [put, update, deleted] = await events;
    assert.equal(put?.createRevision, first);
    assert.equal(update?.createRevision, first);
    assert.equal(deleted?.createRevision, first);
    assert.equal(deleted?.previous?.modRevision, second);
  });

  test('a watch that is asked for progress answers after all events of others, too', async () => {
    const prefix = fresh();
    const start = await store.currentRevision();
    const watch = store.watch(prefix, start);
    const mine = await store.create(`${prefix}a`, bytes('1'));
    const other = await store.create(`${fresh()}b`, bytes('2'));
    watch.requestProgress();
    let seen = 0;
    for await (const message of watch) {
      if (message.type === 'event') {
        assert.equal(message.event.revision, mine);
        seen++;
        continue;
      }
      if (message.revision < other) {
        watch.requestProgress();
        continue;
      }
      break;
    }
    assert.equal(seen, 1);
  });

  test('a watcher that does not read misses nothing, however much is written', async () => {
    const prefix = fresh();
    const watch = store.watch(prefix, await store.currentRevision());
    const iterator = watch[Symbol.asyncIterator]();
    const first = iterator.next();
    const total = 6_000;
    for (let from = 0; from < total; from += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.create(`${prefix}${from + index}`, bytes('x'))));
    }
    const revisions = [];
    for (let message = await first; ; message = await iterator.next()) {
      if (message.value?.type === 'event') revisions.push(message.value.event.revision);
      if (revisions.length === total) break;
    }
    watch.cancel();
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(revisions).size, total);
  });

  test('a cancelled watch ends', async () => {
    const watch = store.watch(fresh(), await store.currentRevision());
    const done = (async () => {
      for await (const message of watch) assert.equal(message.type, 'progress');
    })();
    watch.cancel();
    await done;
  });

  test('after compaction the present stands, and the past is gone for reads and watches', async () => {
    const prefix = fresh();
    const first = await store.create(`${prefix}a`, bytes('1'));
    const second = await store.update(`${prefix}a`, bytes('2'), first);
    const kept = await store.create(`${prefix}b`, bytes('b'));
    const deleted = await store.create(`${prefix}c`, bytes('c'));
    const gone = await store.delete(`${prefix}c`, deleted);
    const third = await store.update(`${prefix}a`, bytes('3'), second);
    await store.compact(gone);
    await store.compact(first);
    await assert.rejects(store.list(prefix, { revision: second }), CompactedError);
    await assert.rejects(store.get(`${prefix}a`, { revision: second }), CompactedError);
    await assert.rejects(take(store.watch(prefix, first), 1), CompactedError);
    assert.equal(text((await store.get(`${prefix}a`, { revision: gone })).entry?.value), '2');
    assert.deepEqual(
      (await store.list(prefix)).entries.map((entry) => text(entry.value)),
      ['3', 'b'],
    );
    assert.equal((await store.get(`${prefix}b`)).entry?.modRevision, kept);
    const [event] = await take(store.watch(prefix, gone), 1);
    assert.equal(event?.revision, third);
    await assert.rejects(store.compact((await store.currentRevision()) + 1_000), FutureRevisionError);
  });

  test('the compactor forgets what is older than its interval', async () => {
    const prefix = fresh();
    const first = await store.create(`${prefix}a`, bytes('1'));
    await store.update(`${prefix}a`, bytes('2'), first);
    const stop = startCompactor(store, { intervalMs: 100 });
    try {
      await store.create(`${prefix}b`, bytes('2'));
      for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
        try {
          await store.list(prefix, { revision: first });
          await new Promise((resolve) => setTimeout(resolve, 50));
        } catch (error) {
          assert.ok(error instanceof CompactedError);
          return;
        }
      }
      assert.fail('history was kept');
    } finally {
      stop();
    }
  });

  test('a key with a time to live vanishes with an event, and one that was written again without it stays', async () => {
    const prefix = fresh();
    const watch = store.watch(prefix, await store.currentRevision());
    const created = await store.create(`${prefix}short`, bytes('1'), { ttlSeconds: 1 });
    const other = await store.create(`${prefix}kept`, bytes('1'), { ttlSeconds: 1 });
    await store.update(`${prefix}kept`, bytes('2'), other);
    const events = await take(watch, 4);
    assert.deepEqual([events[3]?.type, events[3]?.key, events[3]?.previous?.modRevision], ['delete', `${prefix}short`, created]);
    assert.equal((await store.get(`${prefix}short`)).entry, undefined);
    assert.ok((await store.get(`${prefix}kept`)).entry);
  });

  test('the whole state is read as of one revision, with the time that is left', async () => {
    const prefix = fresh();
    const first = await store.create(`${prefix}a`, bytes('1'));
    await store.create(`${prefix}b`, bytes('2'), { ttlSeconds: 100 });
    const { revision, entries } = await store.entries();
    await store.update(`${prefix}a`, bytes('changed'), first);
    const found = [];
    for await (const entry of entries) if (entry.key.startsWith(prefix)) found.push(entry);
    assert.deepEqual(
      found.map((entry) => [entry.key, text(entry.value)]),
      [
        [`${prefix}a`, '1'],
        [`${prefix}b`, '2'],
      ],
    );
    assert.equal(found[0]?.ttlSeconds, undefined);
    assert.ok(found[1]!.ttlSeconds! > 90 && found[1]!.ttlSeconds! <= 110);
    assert.equal(revision, found[1]?.modRevision);
  });

  test('what lies on a disk tells how much it takes there', async () => {
    if (!store.size) return;
    await store.create(`${fresh()}a`, bytes('x'.repeat(100_000)));
    const { id, bytes: taken } = await store.size();
    assert.match(id, /^(lmdb|etcd)-0$/);
    assert.ok(taken >= 16_384, `${taken} bytes`);
  });

  test('values are kept byte for byte, empty and large ones too', async () => {
    const prefix = fresh();
    const large = Buffer.alloc(1_000_000, 'knarr');
    await store.create(`${prefix}large`, large);
    await store.create(`${prefix}empty`, new Uint8Array(0));
    await store.create(`${prefix}binary`, Uint8Array.from([0, 255, 10, 13]));
    assert.ok(large.equals((await store.get(`${prefix}large`)).entry!.value));
    assert.equal((await store.get(`${prefix}empty`)).entry?.value.length, 0);
    assert.deepEqual([...(await store.get(`${prefix}binary`)).entry!.value], [0, 255, 10, 13]);
  });

  test('a closed store takes no more calls and its watches end', async () => {
    const { store: own, dispose: disposeOwn } = await open();
    const revision = await own.create(`${fresh()}a`, bytes('1'));
    const watch = own.watch('', revision);
    const ended = take(watch, 1);
    await own.close();
    assert.deepEqual(await ended, []);
    await assert.rejects(own.get('/a'), StoreClosedError);
    await assert.rejects(own.create('/a', bytes('1')), StoreClosedError);
    await own.close();
    await disposeOwn();
  });
}

describe('memory', () => {
  contract(async () => {
    const store = createMemoryStore();
    return { store, dispose: () => store.close() };
  });
});

describe('LMDB', () => {
  contract(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'knarr-store-'));
    const store = await openLmdbStore(directory);
    return {
      store,
      async dispose() {
        await store.close();
        await rm(directory, { recursive: true });
      },
    };
  });
});

const etcd = findEtcd();
describe('etcd', { skip: etcd ? false : 'no etcd in .cache/tools and none on the PATH: run ./knarr test once' }, () => {
  contract(async () => {
    const server = await startEtcd(etcd!);
    const store = createEtcdStore({ endpoints: [server.endpoint] });
    return {
      store,
      async dispose() {
        await store.close();
        await server.stop();
      },
    };
  });
});
