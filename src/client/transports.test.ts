import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import test from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { createHttpsTransport } from './https.ts';
import { createInProcessTransport } from './inprocess.ts';
import { loadKubeconfig } from './kubeconfig.ts';
import { createMessagePortTransport, serveMessagePort } from './messageport.ts';
import { collect } from './testing/server.ts';
import { type RequestHandler, readBody, type Transport } from './transport.ts';

const identity = { username: 'system:test', groups: ['g'] };

/** Echoes; `/stream` never ends; `/big?n` sends n chunks of 64 KiB; `/fail` throws; `/hang` never answers. */
function createEcho() {
  const state = { produced: 0, streams: 0, aborted: 0 };
  const handler: RequestHandler = async (request, { username }) => {
    const { path, signal } = request;
    if (path === '/fail') throw new TypeError('boom');
    if (path === '/hang') {
      await new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          state.aborted++;
          reject(signal.reason);
        });
      });
    }
    async function* body(): AsyncGenerator<Uint8Array> {
      if (path === '/stream') {
        state.streams++;
        try {
          for (let count = 0; !signal?.aborted; count++) {
            yield Buffer.from(`${count}\n`);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          state.streams--;
        }
      } else if (path.startsWith('/big')) {
        for (let count = Number(path.split('?')[1]); count > 0; count--) {
          state.produced++;
          yield Buffer.alloc(65_536, count % 256);
        }
      } else yield Buffer.from(JSON.stringify({ method: request.method, path, username, body: request.body ? String(Buffer.from(request.body)) : null }));
    }
    return { status: 200, headers: { 'content-type': 'application/json' }, body: body() };
  };
  return { handler, state };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

async function createHttp(handler: RequestHandler) {
  const server = http.createServer(async (incoming, outgoing) => {
    const controller = new AbortController();
    outgoing.on('close', () => controller.abort());
    const body = await readBody({ status: 0, headers: {}, body: incoming });
    try {
      const response = await handler(
        { method: incoming.method as 'GET', path: incoming.url!, ...(body.length > 0 ? { body } : {}), signal: controller.signal },
        { username: incoming.headers.authorization === 'Bearer secret' ? 'system:test' : 'nobody', groups: [] },
      );
      outgoing.writeHead(response.status, response.headers);
      await pipeline(response.body, outgoing);
    } catch {
      outgoing.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { server, url: `http://127.0.0.1:${port}` };
}

const kinds: Record<string, (handler: RequestHandler) => Promise<{ transport: Transport; end(): Promise<void> }>> = {
  'in-process': async (handler) => ({ transport: createInProcessTransport(handler, identity), end: async () => {} }),
  'message port': async (handler) => {
    const { port1, port2 } = new MessageChannel();
    const stop = serveMessagePort(port2, handler, identity);
    return { transport: createMessagePortTransport(port1), end: async () => stop() };
  },
  HTTP: async (handler) => {
    const { server, url } = await createHttp(handler);
    const transport = createHttpsTransport({ server: url, credentials: async () => ({ token: 'secret' }) });
    return { transport, end: async () => void server.close() };
  },
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind}: requests and bodies arrive whole, many at once`, async () => {
    const { handler } = createEcho();
    const { transport, end } = await make(handler);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const body = Buffer.from(`body ${index}`);
        const response = await transport.request({ method: 'POST', path: `/p/${index}`, body });
        assert.equal(String(body), `body ${index}`);
        return JSON.parse(String(await readBody(response)));
      }),
    );
    for (const [index, echo] of answers.entries()) {
      assert.deepEqual(echo, { method: 'POST', path: `/p/${index}`, username: 'system:test', body: `body ${index}` });
    }
    const big = await readBody(await transport.request({ method: 'GET', path: '/big?100' }));
    assert.equal(big.length, 6_553_600);
    assert.equal(big[0], 100);
    assert.equal(big.at(-1), 1);
    await transport.close();
    await end();
  });

  test(`${kind}: leaving a stream, aborting it, and closing the transport all reach the producer`, async () => {
    const { handler, state } = createEcho();
    const { transport, end } = await make(handler);
    for await (const chunk of (await transport.request({ method: 'GET', path: '/stream' })).body) {
      assert.equal(String(chunk).split('\n')[0], '0');
      break;
    }
    await settle();
    assert.equal(state.streams, 0, 'left');
    const controller = new AbortController();
    const streaming = await transport.request({ method: 'GET', path: '/stream', signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await assert.rejects(collect(streaming.body));
    await settle();
    assert.equal(state.streams, 0, 'aborted');
    const hanging = transport.request({ method: 'GET', path: '/hang', signal: AbortSignal.timeout(20) });
    await assert.rejects(hanging);
    await settle();
    assert.equal(state.aborted, 1);
    const closing = await transport.request({ method: 'GET', path: '/stream' });
    setTimeout(() => void transport.close(), 5);
    await assert.rejects(collect(closing.body));
    await settle();
    assert.equal(state.streams, 0, 'closed');
    await assert.rejects(transport.request({ method: 'GET', path: '/x' }));
    await end();
  });

  test(`${kind}: a consumer that pauses holds up the producer`, async () => {
    const { handler, state } = createEcho();
    const { transport, end } = await make(handler);
    const iterator = (await transport.request({ method: 'GET', path: '/big?1000' })).body[Symbol.asyncIterator]();
    await iterator.next();
    await settle();
    await settle();
    assert.ok(state.produced < 500, `${state.produced} chunks of 64 KiB produced for one consumed`);
    await iterator.return?.();
    await transport.close();
    await end();
  });
}

test('message port: what the handler throws arrives by name and message', async () => {
  const { transport, end } = await kinds['message port']!(createEcho().handler);
  await assert.rejects(transport.request({ method: 'GET', path: '/fail' }), { name: 'TypeError', message: 'boom' });
  await transport.close();
  await end();
});

test('HTTP: no connection and no answer end with ETIMEDOUT, a refused connection with its own code', async () => {
  const { handler } = createEcho();
  const { server, url } = await createHttp(handler);
  const transport = createHttpsTransport({ server: url, responseTimeoutMs: 30 });
  await assert.rejects(transport.request({ method: 'GET', path: '/hang' }), { code: 'ETIMEDOUT' });
  await transport.close();
  server.close();
  await once(server, 'close');
  const refused = createHttpsTransport({ server: url });
  await assert.rejects(refused.request({ method: 'GET', path: '/x' }), { code: 'ECONNREFUSED' });
  await refused.close();
});

test('HTTP: many requests at once share a few connections, which watches do not take from them', async () => {
  const { handler } = createEcho();
  const { server, url } = await createHttp((request, user) => handler({ ...request, path: request.path.replace('?watch=true', '') }, user));
  let most = 0;
  server.on('connection', () => server.getConnections((_, count) => (most = Math.max(most, count))));
  const transport = createHttpsTransport({ server: url });
  const watches = await Promise.all(Array.from({ length: 40 }, () => transport.request({ method: 'GET', path: '/stream?watch=true' })));
  await Promise.all(Array.from({ length: 200 }, async (_, index) => readBody(await transport.request({ method: 'GET', path: `/${index}` }))));
  assert.ok(most > 40 && most <= 72, `${most} connections`);
  for (const { body } of watches) for await (const _ of body) break;
  await transport.close();
  server.close();
});

test('a kubeconfig file gives server, trust and credentials; token files are read again', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  const folder = await mkdtemp(join(tmpdir(), 'knarr-kubeconfig-'));
  await writeFile(join(folder, 'ca.pem'), 'CA');
  await writeFile(join(folder, 'token'), 'first\n');
  await writeFile(
    join(folder, 'config'),
    `current-context: one
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority: ca.pem, tls-server-name: kubernetes}}]
users: [{name: u, user: {client-certificate-data: ${Buffer.from('CERT').toString('base64')}, tokenFile: token}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: none, user: u}}]`,
  );
  const { transport, namespace } = await loadKubeconfig(join(folder, 'config'));
  assert.equal(namespace, 'default');
  assert.equal(transport.server, 'https://127.0.0.1:6443');
  assert.equal(String(transport.ca), 'CA');
  assert.equal(transport.serverName, 'kubernetes');
  assert.ok(typeof transport.credentials === 'function');
  const credentials = await transport.credentials();
  assert.equal(String(credentials.cert), 'CERT');
  assert.equal(credentials.token, 'first');
  await writeFile(join(folder, 'token'), 'second\n');
  await utimes(join(folder, 'token'), 1, 1);
  assert.equal((await transport.credentials()).token, 'first');
  t.mock.timers.tick(10_000);
  assert.equal((await transport.credentials()).token, 'second');
  await assert.rejects(loadKubeconfig(join(folder, 'config'), { context: 'two' }), /names no cluster/);
  await assert.rejects(loadKubeconfig(join(folder, 'config'), { context: 'three' }), /no context "three"/);
  await rm(folder, { recursive: true });
});
