/** Clients that are slow, deaf, many or hostile: each gets what is its due, and the others are served meanwhile. */
import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { eventually } from '../e2e/cluster.ts';
import { startTestControlPlane, type TestControlPlane } from '../support/controlplane.ts';

let cluster: TestControlPlane;
let tls: { ca: string; cert: string; key: string };
before(async () => {
  cluster = await startTestControlPlane();
  const { ca, leaves } = cluster.pki;
  tls = { ca: ca.certificate, cert: leaves.admin.certificate, key: leaves.admin.key };
});
after(() => cluster[Symbol.asyncDispose]());

const maps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { test: 'clients' } }, data });
const served = async (): Promise<void> => assert.equal((await cluster.request('GET', '/readyz')).status, 200);

/** Resolves when it is closed, in whichever way. */
const closing = (stream: EventEmitter): Promise<void> => new Promise((resolve) => stream.once('close', () => resolve()));
const drained = (stream: EventEmitter): Promise<void> => new Promise((resolve) => stream.once('drain', () => resolve()).once('close', () => resolve()));

/** Bytes on a connection of their own. */
async function connected(protocol = 'http/1.1'): Promise<TLSSocket> {
  const { hostname, port } = new URL(cluster.controlPlane.url);
  const socket = connectTls({ ...tls, host: hostname, port: Number(port), ALPNProtocols: [protocol] });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function session(): Promise<ClientHttp2Session> {
  const made = connectHttp2(cluster.controlPlane.url, { ...tls });
  made.on('error', () => {});
  await once(made, 'connect');
  return made;
}

test('a client that stops reading its watch is cut off', async () => {
  const socket = await connected();
  socket.write(`GET ${maps}?watch=1&labelSelector=test%3Dclients HTTP/1.1\r\nhost: a\r\n\r\n`);
  await once(socket, 'data');
  socket.pause();
  await cluster.request('POST', maps, { body: configMap('loud', { a: '' }) });
  let length = 0;
  const closed = closing(socket);
  const changes = 60;
  for (let i = 0; i < changes; i++) {
    const { status } = await cluster.request('PUT', `${maps}/loud`, { body: configMap('loud', { a: `${i}`.padEnd(900_000, 'x') }) });
    assert.equal(status, 200);
  }
  socket.on('data', (chunk: Buffer) => (length += chunk.length));
  socket.resume();
  await closed;
  assert.ok(length < changes * 900_000, 'not all of it was kept for the client');
  await cluster.request('DELETE', `${maps}/loud`);
});

test('a slow reader gets a list of 50 MB whole, and others are answered meanwhile', async () => {
  const text = 'x'.repeat(800_000);
  const count = 63;
  for (let i = 0; i < count; i++) await cluster.request('POST', maps, { body: configMap(`long-${i}`, { text }) });
  const request = https.get(`${cluster.controlPlane.url}${maps}?labelSelector=test%3Dclients`, { ...tls, agent: false });
  const [response] = await once(request, 'response');
  let length = 0;
  let chunks = 0;
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    if (chunks++ % 50 === 0) await served();
  }
  assert.ok(length > count * 800_000, `${length} bytes came`);
  await cluster.request('DELETE', `${maps}?labelSelector=test%3Dclients`);
});

test('two thousand watches are told of a change, and are forgotten with their connections', async () => {
  const sessions = await Promise.all(Array.from({ length: 20 }, session));
  const streams: ClientHttp2Stream[] = [];
  for (const one of sessions) {
    for (let i = 0; i < 100; i++) streams.push(one.request({ ':path': `${maps}?watch=1&fieldSelector=metadata.name%3Dnews` }));
  }
  await Promise.all(streams.map((stream) => once(stream, 'response')));
  const told = streams.map(async (stream) => {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    return chunk.toString().slice(0, 16);
  });
  await cluster.request('POST', maps, { body: configMap('news', {}) });
  assert.deepEqual(new Set(await Promise.all(told)), new Set(['{"type":"ADDED",']));
  for (const one of sessions) one.destroy();
  const gauge = async (): Promise<number> => {
    const { text } = await cluster.request('GET', '/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith('apiserver_longrunning_requests{') && line.includes('resource="configmaps"'));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  };
  await eventually('no watch is left', async () => (await gauge()) < 100);
  await cluster.request('DELETE', `${maps}/news`);
});

test('an object of 1.4 MiB is stored; one past the limit of the store is refused, also when it grew by patches', async () => {
  const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';
  const policy = (bytes: number): object => {
    const values = Array.from({ length: Math.floor(bytes / 53) }, () => 'x'.repeat(50));
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'large' },
      spec: { podSelector: { matchExpressions: [{ key: 'a', operator: 'In', values }] } },
    };
  };
  const large = await cluster.request('POST', policies, { body: policy(1.4 * 2 ** 20) });
  assert.equal(large.status, 201, large.body.message);
  const { status, text } = await cluster.request('GET', `${policies}/large`);
  assert.ok(status === 200 && text.length > 1.4 * 2 ** 20);
  const patch = [{ op: 'copy', from: '/spec/podSelector/matchExpressions/0', path: '/spec/podSelector/matchExpressions/-' }];
  const grown = await cluster.request('PATCH', `${policies}/large`, { body: patch, headers: { 'content-type': 'application/json-patch+json' } });
  assert.deepEqual([grown.status, grown.body.reason, grown.body.message], [500, undefined, 'etcdserver: request is too large']);
  await cluster.request('DELETE', `${policies}/large`);
  const none = await cluster.request('POST', policies, { body: policy(2.5 * 2 ** 20) });
  assert.deepEqual([none.status, none.body.message], [500, 'etcdserver: request is too large']);
  assert.equal((await cluster.request('GET', `${policies}/large`)).status, 404);
  const past = await cluster.request('POST', policies, { body: policy(3.5 * 2 ** 20) });
  assert.deepEqual([past.status, past.body.reason], [413, 'RequestEntityTooLarge']);
});

test('streams that are reset as soon as they are opened leave others in peace', async () => {
  const hostile = await session();
  for (let round = 0; round < 20 && !hostile.destroyed && !hostile.closed; round++) {
    for (let i = 0; i < 200 && !hostile.closed; i++) {
      const stream = hostile.request({ ':path': maps });
      stream.on('error', () => {});
      stream.close(8);
    }
    await served();
  }
  hostile.destroy();
  await served();
});

test('headers past the limit are refused; headers without end close the connection', async () => {
  const long = await connected();
  long.write(`GET /version HTTP/1.1\r\nhost: a\r\nx-long: ${'x'.repeat(1_100_000)}\r\n\r\n`);
  const [answer] = (await once(long, 'data')) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 431 /);
  long.destroy();
  const endless = await connected();
  let closed = false;
  endless.once('close', () => (closed = true));
  endless.resume();
  endless.write('GET /version HTTP/1.1\r\nhost: a\r\n');
  for (let i = 0; i < 12_000 && !closed; i++) {
    if (!endless.write(`x-${i}: ${'y'.repeat(100)}\r\n`)) await drained(endless);
  }
  await eventually('the connection is closed', async () => closed);
  const many = await session();
  const stream = many.request({ ':path': '/version', ...Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x-${i}`, 'y'.repeat(100)])) });
  stream.on('error', () => {});
  await closing(stream);
  many.destroy();
  await served();
});

test('frames of headers that never end are bounded on HTTP/2', async () => {
  const socket = await connected('h2');
  let closed = false;
  socket.once('close', () => (closed = true));
  socket.resume();
  const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  // A literal header without indexing: x: and 10,000 bytes.
  const header = Buffer.concat([Buffer.from([0, 1]), Buffer.from('x'), Buffer.from([0x7f, 0x91, 0x4d]), Buffer.alloc(10_000, 'y')]);
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0)), frame(1, 0, 1, header)]));
  for (let i = 0; i < 12_000 && !closed; i++) {
    if (!socket.write(frame(9, 0, 1, header))) await drained(socket);
  }
  await eventually('the connection is closed', async () => closed);
  await served();
});
