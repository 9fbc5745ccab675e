/** What the embedded store does with its directory: crashes, locks, full and read-only disks, formats, snapshots. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { openEnvironment } from './lmdb/environment.ts';
import { encodeNumber } from './lmdb/records.ts';
import { openLmdbStore } from './lmdb.ts';
import { createMemoryStore } from './memory.ts';
import { restoreSnapshot, saveSnapshot } from './snapshot.ts';
import { CompactedError, DataVersionError, type Store, StoreFullError, StoreLockedError } from './store.ts';

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'knarr-lmdb-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A small file system in memory; undefined where this user may not mount. */
async function smallDisk(t: TestContext, size: string): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'knarr-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
  } catch {
    t.skip('this user may not mount a tmpfs');
    await rm(path, { recursive: true });
    return undefined;
  }
  t.after(async () => {
    execFileSync('umount', [path]);
    await rm(path, { recursive: true });
  });
  return path;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function dump(store: Store): Promise<Record<string, string>> {
  const { entries } = await store.list('');
  return Object.fromEntries(entries.map(({ key, value, createRevision, modRevision }) => [key, `${Buffer.from(value)} ${createRevision} ${modRevision}`]));
}

test('what was acknowledged before a kill -9 is there afterwards, again and again', async (t) => {
  const directory = await temporary(t);
  const state = new Map<string, string>();
  for (let round = 0; round < 3; round++) {
    const data = join(directory, `data${round}`);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'testing/writer.ts'), data, '16'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 2_000 + round * 777) child.kill('SIGKILL');
    }
    state.clear();
    // The last line may have been cut.
    for (const line of acknowledged.slice(1, -1)) {
      const [verb, key] = line.split(' ') as [string, string];
      state.set(key, verb);
    }
    const store = await openLmdbStore(data);
    try {
      for (const [key, verb] of state) {
        const { entry } = await store.get(key);
        if (verb === 'deleted') assert.equal(entry, undefined, `${key} was deleted`);
        else
          assert.equal(
            Buffer.from(entry!.value)
              .toString()
              .slice(0, key.length + 2),
            `${key}:${verb === 'updated' ? '2' : 'x'}`,
          );
      }
      const revision = await store.currentRevision();
      assert.equal(await store.create('/after', bytes('1')), revision + 1);
      let seen = 0;
      const watch = store.watch('', 1);
      watch.requestProgress();
      for await (const message of watch) {
        if (message.type === 'progress') break;
        assert.equal(message.event.revision, 2 + seen++);
      }
      assert.equal(seen, revision);
    } finally {
      await store.close();
    }
  }
});

test('revisions, history and compaction outlive a restart', async (t) => {
  const directory = await temporary(t);
  let store = await openLmdbStore(directory);
  const first = await store.create('/a', bytes('1'));
  const second = await store.update('/a', bytes('2'), first);
  await store.create('/short', bytes('x'), { ttlSeconds: 1 });
  const third = await store.update('/a', bytes('3'), second);
  await store.compact(second);
  const before = await dump(store);
  await store.close();
  store = await openLmdbStore(directory);
  try {
    assert.deepEqual(await dump(store), before);
    assert.equal(await store.currentRevision(), third);
    assert.equal(Buffer.from((await store.get('/a', { revision: second })).entry!.value).toString(), '2');
    await assert.rejects(store.get('/a', { revision: first }), CompactedError);
    for await (const message of store.watch('/short', third)) {
      if (message.type === 'event') {
        assert.equal(message.event.type, 'delete');
        break;
      }
    }
  } finally {
    await store.close();
  }
});

describe('one process per directory', () => {
  test('a second process gets a clear error, and the directory when the first has ended', async (t) => {
    const directory = await temporary(t);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'testing/writer.ts'), directory, '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    await assert.rejects(openLmdbStore(directory), (error: Error) => {
      assert.ok(error instanceof StoreLockedError);
      assert.match(error.message, /is in use by another process/);
      assert.ok(error.message.includes(directory));
      return true;
    });
    child.kill('SIGKILL');
    await new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await (await openLmdbStore(directory)).close();
  });

  test('neither can this process open it twice', async (t) => {
    const directory = await temporary(t);
    const store = await openLmdbStore(directory);
    await assert.rejects(openLmdbStore(directory), StoreLockedError);
    await store.close();
    await (await openLmdbStore(directory)).close();
  });
});

describe('a disk that is', () => {
  test('full fails writes, not reads, and takes writes again when there is room', async (t) => {
    const disk = await smallDisk(t, '16m');
    if (!disk) return;
    const store = await openLmdbStore(join(disk, 'data'));
    const ballast = join(disk, 'ballast');
    try {
      writeFileSync(ballast, Buffer.alloc(8_000_000));
      const kept = await store.create('/kept', bytes('1'));
      let failure: unknown;
      for (let count = 0; count < 100 && !failure; count++) {
        await store.create(`/fill/${count}`, Buffer.alloc(100_000)).catch((error: unknown) => {
          failure = error;
        });
      }
      assert.ok(failure instanceof StoreFullError, String(failure));
      assert.equal((await store.get('/kept')).entry?.modRevision, kept);
      await assert.rejects(Promise.all([1, 2].map((n) => store.create(`/many/${n}`, Buffer.alloc(300_000)))), StoreFullError);
      rmSync(ballast);
      const after = await store.create('/again', Buffer.alloc(100_000));
      assert.equal((await store.get('/again')).entry?.modRevision, after);
      assert.equal((await store.list('/many/')).count, 0);
    } finally {
      await store.close();
    }
  });

  test('read-only is named when the store is opened', async (t) => {
    const disk = await smallDisk(t, '4m');
    if (!disk) return;
    const data = join(disk, 'data');
    await (await openLmdbStore(data)).close();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await assert.rejects(openLmdbStore(data), (error: Error) => error.message.includes(`${data} can't be written`) && /read-only/i.test(error.message));
  });
});

test('data of a newer format are not touched', async (t) => {
  const directory = await temporary(t);
  const environment = await openEnvironment(directory);
  await environment.meta.put('version', encodeNumber(99));
  await environment.close();
  await assert.rejects(openLmdbStore(directory), DataVersionError);
  await assert.rejects(openLmdbStore(directory), /format 99/);
});

describe('a snapshot', () => {
  test('brings back every entry with its revisions, above all revisions of before', async (t) => {
    const directory = await temporary(t);
    const file = join(directory, 'snapshot');
    const store = await openLmdbStore(join(directory, 'data'));
    for (let count = 0; count < 3_000; count++) void store.create(`/k/${count}`, Buffer.from(`value ${count}`));
    const doomed = await store.create('/doomed', bytes('x'));
    await store.delete('/doomed', doomed);
    await store.create('/event', bytes('e'), { ttlSeconds: 1 });
    const info = await saveSnapshot(store, file);
    assert.deepEqual(info, { revision: await store.currentRevision(), entries: 3_001 });
    const before = await dump(store);
    await store.close();

    const restored = join(directory, 'restored');
    assert.deepEqual(await restoreSnapshot(file, restored), info);
    const again = await openLmdbStore(restored);
    try {
      assert.deepEqual(await dump(again), before);
      const revision = await again.currentRevision();
      assert.ok(revision > info.revision);
      await assert.rejects(again.list('', { revision: info.revision }), CompactedError);
      const entry = (await again.get('/k/7')).entry!;
      const watch = again.watch('/k/', revision);
      const updated = await again.update('/k/7', bytes('new'), entry.modRevision);
      for await (const message of watch) {
        if (message.type !== 'event') continue;
        assert.equal(message.event.revision, updated);
        assert.equal(Buffer.from(message.event.previous!.value).toString(), 'value 7');
        break;
      }
      await again.compact(updated);
      assert.equal((await again.list('/k/')).count, 3_000);
    } finally {
      await again.close();
    }
    await assert.rejects(restoreSnapshot(file, restored), /is not empty/);
  });

  test('that is cut or damaged is refused, and leaves nothing behind', async (t) => {
    const directory = await temporary(t);
    const file = join(directory, 'snapshot');
    const store = createMemoryStore();
    await store.create('/a', bytes('1'));
    await saveSnapshot(store, file);
    await store.close();
    const target = join(directory, 'restored');
    truncateSync(file, statSync(file).size - 1);
    await assert.rejects(restoreSnapshot(file, target), /ends too early/);
    writeFileSync(file, 'something else');
    await assert.rejects(restoreSnapshot(file, target), /has no heading/);
    assert.throws(() => statSync(target));
    assert.throws(() => statSync(`${target}.partial`));
  });
});
