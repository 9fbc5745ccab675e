/** A watcher that does not keep up is cut off, so that it costs the others nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestServer } from './testing/server.ts';
import { selfSigned } from './testing/tls.ts';

const maps = '/api/v1/namespaces/default/configmaps';

test('a watcher that takes nothing is cut off, and the others are served', async () => {
  await using running = await startTestServer();
  const tls = selfSigned();
  const { port } = await running.server.listen({ port: 0, tls });
  const [stalled, reading] = [1, 2].map(() => connect(`https://127.0.0.1:${port}`, { ca: tls.cert })) as [
    ReturnType<typeof connect>,
    ReturnType<typeof connect>,
  ];
  const watchers = running.server.core.registry.find('', 'v1', 'configmaps')?.stored.cache.watchers;
  assert.ok(watchers);
  const path = `${maps}?watch=1&resourceVersion=0`;
  const stream = stalled.request({ ':path': path });
  stream.on('error', () => {});
  stream.pause();
  let seen = 0;
  const events = reading.request({ ':path': path });
  events.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) seen++;
  });
  await Promise.all([once(stream, 'response'), once(events, 'response')]);
  assert.equal(watchers.size, 2);
  const data = { text: 'x'.repeat(900_000) };
  let written = 0;
  while (watchers.size > 1 && written < 60) {
    const { status } = await running.request('POST', maps, { metadata: { name: `m-${written++}` }, data });
    assert.equal(status, 201);
    // The one that reads is given the time to.
    for (let attempt = 0; attempt < 500 && seen < written; attempt++) await sleep(5);
  }
  assert.equal(watchers.size, 1);
  assert.ok(written > 16, `cut off after ${written} events`);
  assert.equal(seen, written);
  stalled.destroy();
  reading.destroy();
});
