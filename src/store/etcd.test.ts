/** What is particular to the store on etcd: servers that come and go, and that run full. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEtcdStore } from './etcd.ts';
import { type StoreEvent, StoreFullError } from './store.ts';
import { findEtcd, startEtcd } from './testing/etcd.ts';

const program = findEtcd();
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('etcd', { skip: program ? false : 'no etcd in .cache/tools and none on the PATH: run ./knarr test once' }, () => {
  test('a watch goes on where it was when the server comes back', async () => {
    const server = await startEtcd(program!);
    const store = createEtcdStore({ endpoints: [server.endpoint] });
    try {
      const seen: StoreEvent[] = [];
      const watch = store.watch('/a', await store.currentRevision());
      const watching = (async () => {
        for await (const message of watch) {
          if (message.type !== 'event') continue;
          seen.push(message.event);
          if (seen.length === 3) break;
        }
      })();
      const first = await store.create('/a', bytes('1'));
      await server.kill();
      await assert.rejects(store.update('/a', bytes('lost'), first));
      await server.restart();
      // Written through another connection, perhaps before the watch has its own again.
      const other = createEtcdStore({ endpoints: [server.endpoint] });
      const second = await other.update('/a', bytes('2'), first);
      await other.delete('/a', second);
      await other.close();
      await watching;
      assert.deepEqual(
        seen.map(({ type, value }) => [type, value && Buffer.from(value).toString()]),
        [
          ['put', '1'],
          ['put', '2'],
          ['delete', undefined],
        ],
      );
    } finally {
      await store.close();
      await server.stop();
    }
  });

  test('a server that is not there is passed over for the next one', async () => {
    const server = await startEtcd(program!);
    const store = createEtcdStore({ endpoints: ['http://127.0.0.1:1', server.endpoint] });
    try {
      const revision = await store.create('/a', bytes('1'));
      assert.equal((await store.get('/a')).entry?.modRevision, revision);
      await assert.rejects(createEtcdStore({ endpoints: ['http://127.0.0.1:1'] }).get('/a'), /UNAVAILABLE/);
    } finally {
      await store.close();
      await server.stop();
    }
  });

  test('a full server fails writes and not reads', async () => {
    const server = await startEtcd(program!, ['--quota-backend-bytes=4194304']);
    const store = createEtcdStore({ endpoints: [server.endpoint] });
    try {
      await store.create('/kept', bytes('1'));
      const fill = async (): Promise<void> => {
        // etcd looks at its size when it commits, every 100 ms: a quick disk takes more than the quota.
        for (let count = 0; count < 400; count++) await store.create(`/fill/${count}`, Buffer.alloc(500_000));
      };
      await assert.rejects(fill(), (error: Error) => error instanceof StoreFullError && error.message.includes(server.endpoint));
      assert.equal(Buffer.from((await store.get('/kept')).entry!.value).toString(), '1');
    } finally {
      await store.close();
      await server.stop();
    }
  });
});
