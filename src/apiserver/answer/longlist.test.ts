/** Long lists come out of what was kept of them, in each encoding, and show every change. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { structOfKind } from '../../api/schema.ts';
import { decodeEnvelope, decodeProtobuf } from '../../apimachinery/codec/protobuf.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { gzipParts } from './gzip.ts';

const count = 700;
const maps = '/api/v1/namespaces/default/configmaps';
const protobuf = 'application/vnd.kubernetes.protobuf';
const nameOf = (index: number): string => `m-${String(index).padStart(4, '0')}`;
const body = (index: number, value = 'é'): object => ({ metadata: { name: nameOf(index) }, data: { index: String(index), value } });

type Read = (server: TestServer) => Promise<{ kind: string; apiVersion: string; items: { metadata: Record<string, string>; data: Record<string, string> }[] }>;

const readers: Record<string, Read> = {
  JSON: async ({ request }) => (await request('GET', maps)).body,
  protobuf: async ({ request }) => {
    const { apiVersion, kind, raw } = decodeEnvelope((await request('GET', maps, undefined, { accept: protobuf })).bytes);
    return { apiVersion, kind, ...decodeProtobuf(structOfKind(apiVersion, kind) as Struct, raw) } as Awaited<ReturnType<Read>>;
  },
  gzip: async ({ request }) => {
    const { bytes, headers } = await request('GET', maps, undefined, { 'accept-encoding': 'gzip' });
    assert.equal(headers['content-encoding'], 'gzip');
    return JSON.parse(gunzipSync(bytes).toString());
  },
};

for (const [name, read] of Object.entries(readers)) {
  test(`${name}: a long list is what its objects are, before and after each change`, async () => {
    await using running = await startTestServer();
    const { request } = running;
    await Promise.all(Array.from({ length: count }, (_, index) => request('POST', maps, body(index, 'é'.repeat(150)))));
    const expected = new Map<string, string>(Array.from({ length: count }, (_, index) => [nameOf(index), 'é'.repeat(150)]));
    const check = async (): Promise<void> => {
      for (let round = 0; round < 2; round++) {
        const { kind, apiVersion, items } = await read(running);
        assert.deepEqual([kind, apiVersion], ['ConfigMapList', 'v1']);
        assert.deepEqual(
          items.map(({ metadata, data }) => [metadata['name'], data['value']]),
          [...expected].toSorted(([a], [b]) => (a < b ? -1 : 1)),
        );
      }
    };
    await check();
    for (const index of [0, 350, count - 1]) {
      const { status } = await request('PUT', `${maps}/${nameOf(index)}`, body(index, 'new'));
      assert.equal(status, 200);
      expected.set(nameOf(index), 'new');
    }
    await check();
    await request('DELETE', `${maps}/${nameOf(0)}`);
    await request('POST', maps, body(count));
    expected.delete(nameOf(0));
    expected.set(nameOf(count), 'é');
    await check();
    // What was moved together is still each object's own.
    const { body: one } = await request('GET', `${maps}/${nameOf(351)}`);
    assert.deepEqual(one.data, { index: '351', value: 'é'.repeat(150) });
  });
}

test('a stream that was compressed in parts is one stream', async () => {
  const parts = [Buffer.from('hello'), Buffer.alloc(300_000, 'ab'), Buffer.alloc(0), randomBytes(70_001), Buffer.from('z')];
  for (let round = 0; round < 2; round++) assert.deepEqual(gunzipSync(Buffer.concat(await gzipParts(parts))), Buffer.concat(parts));
  assert.deepEqual(gunzipSync(Buffer.concat(await gzipParts([]))), Buffer.alloc(0));
});
