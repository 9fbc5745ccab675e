/** A hundred thousand objects: written, listed whole and in pages, watched, read by selector, deleted; memory stays in proportion. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { startTestControlPlane, type TestControlPlane } from '../support/controlplane.ts';

const count = Number(process.env['KNARR_OBJECTS'] ?? 100_000);
const namespaces = 10;

let cluster: TestControlPlane;
before(async () => {
  cluster = await startTestControlPlane();
});
after(() => cluster[Symbol.asyncDispose]());

const maps = (namespace: number): string => `/api/v1/namespaces/n${namespace}/configmaps`;

test(`${count} objects are served`, { timeout: 1_200_000 }, async (context) => {
  for (let i = 0; i < namespaces; i++) {
    await cluster.request('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `n${i}` } } });
  }
  const before = process.memoryUsage().rss;
  const watch = https.get(`${cluster.controlPlane.url}/api/v1/configmaps?watch=1&labelSelector=seventh`, {
    ca: cluster.pki.ca.certificate,
    cert: cluster.pki.leaves.admin.certificate,
    key: cluster.pki.leaves.admin.key,
    agent: false,
  });
  const [events] = await once(watch, 'response');
  let told = 0;
  events.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) told++;
  });
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const labels = { app: 'soak', ...(i % 7 === 0 ? { seventh: 'yes' } : {}) };
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `m${i}`, labels }, data: { text: `${i}`.padEnd(500, '.') } };
      const { status, text } = await cluster.request('POST', maps(i % namespaces), { body });
      assert.equal(status, 201, text);
    }
  };
  await Promise.all(Array.from({ length: 16 }, writer));

  const whole = await cluster.request('GET', '/api/v1/configmaps?labelSelector=app%3Dsoak');
  assert.equal(whole.body.items?.length, count);
  let paged = 0;
  for (let token = ''; ; ) {
    const { body } = await cluster.request('GET', `/api/v1/configmaps?labelSelector=app%3Dsoak&limit=500&continue=${encodeURIComponent(token)}`);
    paged += body.items?.length ?? 0;
    token = body.metadata?.continue ?? '';
    if (token === '') break;
  }
  assert.equal(paged, count);
  const sevenths = await cluster.request('GET', '/api/v1/configmaps?labelSelector=seventh%3Dyes');
  assert.equal(sevenths.body.items?.length, Math.ceil(count / 7));
  while (told < Math.ceil(count / 7)) await once(events, 'data');
  watch.destroy();

  const grown = process.memoryUsage().rss - before;
  context.diagnostic(`${Math.round(grown / 2 ** 20)} MiB more with ${count} objects`);
  // The test's own copies of the list are in it.
  assert.ok(grown < 512 * 2 ** 20 + count * 12_000, `${Math.round(grown / 2 ** 20)} MiB for ${count} objects`);
  for (let i = 0; i < namespaces; i++) assert.equal((await cluster.request('DELETE', `${maps(i)}?labelSelector=app%3Dsoak`)).status, 200);
  assert.equal((await cluster.request('GET', '/api/v1/configmaps?labelSelector=app%3Dsoak')).body.items?.length, 0);
});
