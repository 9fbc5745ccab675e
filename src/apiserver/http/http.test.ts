import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import { connect as connectHttp2 } from 'node:http2';
import https from 'node:https';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import type { AuthorizationAttributes, Credentials } from '../contracts.ts';
import { admin, startTestServer } from '../testing/server.ts';
import { selfSigned } from '../testing/tls.ts';
import { rawHttp2 } from './rawhttp2.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function listening(options: Parameters<typeof startTestServer>[0] = {}) {
  const running = await startTestServer(options);
  const tls = selfSigned();
  const { port } = await running.server.listen({ port: 0, tls });
  return { running, tls, port };
}

test('HTTP/2 answers, compresses what is large, and streams watches', async () => {
  const { running, tls, port } = await listening();
  await using _ = running;
  await running.request('POST', maps, { metadata: { name: 'large' }, data: { text: 'x'.repeat(200_000) } });
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: tls.cert });
  const get = async (path: string, headers: IncomingHttpHeaders = {}) => {
    const stream = session.request({ ':path': path, ...headers });
    const [response] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { response, body: Buffer.concat(chunks) };
  };
  const plain = await get(`${maps}/large`);
  assert.deepEqual([plain.response[':status'], plain.response['content-type']], [200, 'application/json']);
  const packed = await get(`${maps}/large`, { 'accept-encoding': 'gzip' });
  assert.equal(packed.response['content-encoding'], 'gzip');
  assert.ok(packed.body.length < plain.body.length / 10);
  assert.deepEqual(gunzipSync(packed.body), plain.body);
  const watch = await get(`${maps}?watch=1&resourceVersion=0&timeoutSeconds=1`);
  assert.match(watch.body.toString(), /^\{"type":"ADDED","object":\{"kind":"ConfigMap"/);
  session.close();
});

test('HEAD has the headers of GET and no body', async () => {
  const { running, tls, port } = await listening();
  await using _ = running;
  const request = https.request({ host: '127.0.0.1', port, path: maps, method: 'HEAD', ca: tls.cert, agent: false });
  request.end();
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 200);
  for await (const _chunk of response) assert.fail('there is a body');
});

test('a client certificate says who asks', async () => {
  const names: (string | undefined)[] = [];
  const security = () => ({
    authenticate: async ({ peerCertificate, identity }: Credentials) => {
      if (!identity) names.push(peerCertificate?.commonName);
      return { user: admin };
    },
    authorize: () => ({ decision: 'allow' as const, reason: '' }),
  });
  const { running, tls, port } = await listening({ security });
  await using _ = running;
  const ask = async (credentials: object): Promise<void> => {
    const request = https.get({ host: '127.0.0.1', port, path: '/version', ca: tls.cert, agent: false, ...credentials });
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
  };
  await ask({ cert: tls.cert, key: tls.key });
  await ask({});
  assert.deepEqual(names, ['test', undefined]);
});

test('an upgrade that is refused gets an ordinary answer', async () => {
  const security = () => ({
    authenticate: async () => ({ user: admin }),
    authorize: ({ subresource }: AuthorizationAttributes) => ({ decision: subresource === 'exec' ? ('deny' as const) : ('allow' as const), reason: '' }),
  });
  const { running, port } = await listening({ security });
  await using _ = running;
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  socket.write('POST /api/v1/namespaces/default/pods/p/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.match(text, /"reason":"Forbidden"/);
});

test('a body that is too large is refused while it is being sent', async () => {
  const { running, tls, port } = await listening();
  await using _ = running;
  const request = https.request({
    host: '127.0.0.1',
    port,
    path: maps,
    method: 'POST',
    ca: tls.cert,
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  request.on('error', () => {});
  request.write(Buffer.alloc(4 * 1024 * 1024, 'x'));
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 413);
  request.destroy();
});

test('a watch ends with its client, even one that reads nothing any more', async () => {
  const { running, tls, port } = await listening();
  await using _ = running;
  const data = { text: 'x'.repeat(100_000) };
  await Promise.all(Array.from({ length: 100 }, (_, index) => running.request('POST', maps, { metadata: { name: `m${index}` }, data })));
  const resource = running.server.core.registry.find('', 'v1', 'configmaps');
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: tls.cert });
  const stream = session.request({ ':path': `${maps}?watch=1&resourceVersion=0` });
  await once(stream, 'response');
  stream.pause();
  assert.equal(resource?.stored.cache.watchers.size, 1);
  stream.destroy();
  for (let attempt = 0; attempt < 200 && resource?.stored.cache.watchers.size; attempt++) await sleep(10);
  assert.equal(resource?.stored.cache.watchers.size, 0);
  session.destroy();
});

test('headers may be as long as upstream takes them, and longer ones are refused in its words', async () => {
  const { running, tls, port } = await listening();
  await using _ = running;
  const one = async (length: number): Promise<number | string | undefined> => {
    const headers = { 'x-long': 'a'.repeat(length) };
    const request = https.request({ host: '127.0.0.1', port, path: '/version', ca: tls.cert, agent: false, headers });
    request.end();
    try {
      const [response] = await once(request, 'response');
      response.resume();
      return response.statusCode;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  assert.equal(await one(1 << 20), 200);
  // The server hangs up after the answer: who is still writing then may not get it.
  assert.match(String(await one((1 << 20) + 5000)), /431|ECONNRESET|EPIPE/);

  const many = (count: number): string[] => Array.from({ length: count }, () => 'a'.repeat(400));
  assert.equal((await rawHttp2(port, tls.cert, '/version', many(2300), 1 << 18)).payload[0], 0x88, ':status is 200');
  const { type, payload } = await rawHttp2(port, tls.cert, '/version', many(2600), 1 << 18);
  assert.deepEqual([type, payload.readUInt32BE(0)], [3, 11], 'the stream is reset: enhance your calm');
});
