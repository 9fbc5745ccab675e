/** What a server under load, and one that stops, does with the requests it has. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { holdCreations } from './testing/held.ts';
import { startTestServer } from './testing/server.ts';
import { selfSigned } from './testing/tls.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function listening(options: Parameters<typeof startTestServer>[0] = {}) {
  const running = await startTestServer(options);
  const tls = selfSigned();
  const { port } = await running.server.listen({ port: 0, tls });
  const connected = (): ClientHttp2Session => connect(`https://127.0.0.1:${port}`, { ca: tls.cert });
  return { running, connected };
}

async function ask(session: ClientHttp2Session, path: string, body?: object): Promise<{ status: number; text: string }> {
  const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET', 'content-type': 'application/json' });
  stream.end(body && JSON.stringify(body));
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let text = '';
  for await (const chunk of stream) text += chunk;
  return { status: Number(headers[':status']), text };
}

test('a server that stops is not ready, finishes what it has begun, ends watches and takes nothing new', async () => {
  const { running, connected } = await listening();
  const { begun, release } = holdCreations(running.server);
  const session = connected();
  const slow = ask(session, maps, { metadata: { name: 'slow' } });
  const watch = ask(session, `${maps}?watch=1&allowWatchBookmarks=true`);
  await begun;
  assert.equal((await ask(session, '/readyz')).text, 'ok');
  // Those that balance load have time to notice (`shutdownDelayMs`), while everything else goes on.
  await running.server.core.beginShutdown();
  const ready = await ask(session, '/readyz');
  assert.equal(ready.status, 500);
  assert.match(ready.text, /\n\[-\]shutdown failed: reason withheld\nreadyz check failed\n$/);
  assert.equal((await ask(session, '/livez')).text, 'ok');
  assert.equal((await ask(session, maps)).status, 200);
  const closed = running.server.close();
  const { status, text } = await watch;
  assert.equal(status, 200);
  assert.match(text, /"type":"BOOKMARK"/);
  const late = connected();
  const [refused] = await once(late, 'error');
  assert.equal((refused as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  let over = false;
  void closed.then(() => {
    over = true;
  });
  assert.equal(over, false);
  release();
  assert.equal((await slow).status, 201);
  await closed;
  await running.client.close();
});

test('each health check has a path of its own, and may be left out', async () => {
  const { running, connected } = await listening();
  await using _ = running;
  running.server.addHealthChecks([{ name: 'broken', on: ['livez'], check: () => Promise.reject(new Error('it is broken')) }]);
  const finish = running.server.addHook('rbac/bootstrap-roles');
  const session = connected();
  const get = (path: string): ReturnType<typeof ask> => ask(session, path);
  assert.deepEqual(await get('/readyz/poststarthook/rbac/bootstrap-roles'), { status: 500, text: 'internal server error: not finished\n' });
  finish();
  assert.deepEqual(await get('/readyz/poststarthook/rbac/bootstrap-roles'), { status: 200, text: 'ok' });
  assert.deepEqual(await get('/livez/broken'), { status: 500, text: 'internal server error: it is broken\n' });
  assert.equal((await get('/readyz/broken')).status, 404);
  assert.equal((await get('/readyz')).text, 'ok');
  const live = await get('/livez?exclude=etcd&exclude=none&exclude=more');
  assert.equal(live.status, 500);
  assert.match(
    live.text,
    /^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd excluded: ok\n(\[\+\](poststarthook\/\S+|autoregister-completion) ok\n)+\[-\]broken failed: reason withheld\n/,
  );
  assert.match(live.text, /\nwarn: some health checks cannot be excluded: no matches for "more", "none"\nlivez check failed\n$/);
  const { text } = await get('/readyz?verbose&exclude=log');
  assert.match(text, /^\[\+\]ping ok\n\[\+\]log excluded: ok\n\[\+\]etcd ok\n\[\+\]etcd-readiness ok\n\[\+\]informer-sync ok\n\[\+\]poststarthook/);
  assert.match(text, /\n\[\+\]shutdown ok\nreadyz check passed\n$/);
  session.destroy();
});
