/** How a server serves, whatever it is asked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { holdCreations } from './testing/held.ts';
import { startTestServer } from './testing/server.ts';
import { selfSigned } from './testing/tls.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function listening(options: Parameters<typeof startTestServer>[0] = {}, more: object = {}) {
  const running = await startTestServer(options);
  const tls = selfSigned();
  const { port } = await running.server.listen({ port: 0, tls: { ...tls, ...more } });
  return { running, port, session: connect(`https://127.0.0.1:${port}`, { ca: tls.cert }) };
}

async function ask(session: ClientHttp2Session, path: string, more: Record<string, string> = {}) {
  const stream = session.request({ ':path': path, ...more });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let text = '';
  for await (const chunk of stream) text += chunk;
  return { headers, status: Number(headers[':status']), text };
}

test('pages of origins that are let in may ask, and browsers are told to use TLS', async () => {
  const { running, session } = await listening({ corsAllowedOrigins: [/^https:\/\/example\.com$/], strictTransportSecurity: ['max-age=1', 'preload'] });
  await using _ = running;
  const origin = 'https://example.com';
  const ahead = await ask(session, maps, { ':method': 'OPTIONS', origin });
  assert.deepEqual([ahead.status, ahead.headers['access-control-allow-methods']], [204, 'POST, GET, OPTIONS, PUT, DELETE, PATCH']);
  const good = await ask(session, maps, { origin });
  assert.deepEqual([good.status, good.headers['access-control-allow-origin'], good.headers['strict-transport-security']], [200, origin, 'max-age=1; preload']);
  assert.equal((await ask(session, maps, { origin: 'https://example.com.evil' })).headers['access-control-allow-origin'], undefined);
  session.close();
});

test('connections are closed after requests by chance, and all streams end', async () => {
  const { running, session } = await listening({ goawayChance: 1 });
  await using _ = running;
  const goodbye = once(session, 'goaway');
  assert.equal((await ask(session, maps)).status, 200);
  await goodbye;
});

test('without priority and fairness, those beyond the limit are turned away, administrators excepted', async () => {
  const security = () => ({
    authenticate: async ({ identity }: { identity?: { username: string; groups: string[] } }) => ({ user: identity ?? { username: 'none', groups: [] } }),
    authorize: () => ({ decision: 'allow' as const, reason: '' }),
  });
  await using running = await startTestServer({ flowControl: { enabled: false, maxMutating: 1, maxReadOnly: 1 }, security });
  const { begun, release } = holdCreations(running.server);
  const post = (name: string, user: { username: string; groups: string[] }) =>
    running.server.handle({ method: 'POST', path: maps, headers: {}, body: Buffer.from(JSON.stringify({ metadata: { name } })) }, user);
  const somebody = { username: 'somebody', groups: [] };
  const slow = post('slow', somebody);
  await begun;
  const refused = await post('more', somebody);
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1']);
  assert.equal((await running.server.handle({ method: 'GET', path: maps, headers: {} }, somebody)).status, 200);
  assert.equal((await post('admins', { username: 'admin', groups: ['system:masters'] })).status, 201);
  release();
  assert.equal((await slow).status, 201);
  assert.equal((await post('again', somebody)).status, 201);
});

test('a server that ends tells those who come to come again, and finishes what it has', async () => {
  const { running, session, port } = await listening({ shutdownSendRetryAfter: true });
  const { begun, release } = holdCreations(running.server);
  const stream = session.request({ ':path': maps, ':method': 'POST', 'content-type': 'application/json' });
  stream.end(JSON.stringify({ metadata: { name: 'slow' } }));
  await begun;
  const closed = running.server.close();
  const late = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  let answer = await ask(late, maps);
  // The first moments of the end may still serve.
  for (; answer.status === 200; answer = await ask(late, maps));
  assert.deepEqual([answer.status, answer.headers['retry-after'], answer.text], [429, '5', 'The apiserver is shutting down, please try again later.\n']);
  const still = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  assert.equal((await ask(still, '/livez')).status, 200);
  still.close();
  release();
  const [response] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  assert.equal(response[':status'], 201);
  stream.resume();
  session.close();
  late.destroy();
  await closed;
});

test('profiles, packed answers and steps of the start can be switched off', async () => {
  await using running = await startTestServer({ profiling: false, compressResponses: false, livezGraceMs: 3_600_000 });
  assert.equal((await running.request('GET', '/debug/v8/profile?seconds=0.01')).status, 404);
  await running.request('POST', maps, { metadata: { name: 'large' }, data: { text: 'x'.repeat(200_000) } });
  assert.equal((await running.request('GET', maps, undefined, { 'accept-encoding': 'gzip' })).headers['content-encoding'], undefined);
  running.server.addHook('never-done');
  assert.equal((await running.request('GET', '/livez')).status, 200);
  assert.equal((await running.request('GET', '/readyz')).status, 500);
});

test('a certificate of its own for names that clients ask for; long answers come whole in pieces', async () => {
  const { cert, key } = selfSigned();
  const { running, port, session } = await listening({}, { minVersion: 'TLSv1.3', certificates: [{ names: ['other.example'], cert, key }] });
  await using _ = running;
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'other.example', ca: cert, checkServerIdentity: () => undefined });
  await once(socket, 'secureConnect');
  assert.deepEqual([socket.authorized, socket.getProtocol()], [true, 'TLSv1.3']);
  socket.destroy();
  const text = 'x'.repeat(300_000);
  for (const name of ['a', 'b', 'c']) await running.request('POST', maps, { metadata: { name }, data: { text } });
  const answers = await Promise.all([1, 2, 3].map(() => ask(session, maps)));
  for (const answer of answers) {
    const { items } = JSON.parse(answer.text) as { items: { data: { text: string } }[] };
    assert.deepEqual(
      items.map(({ data }) => data.text === text),
      [true, true, true],
    );
  }
  session.close();
});
