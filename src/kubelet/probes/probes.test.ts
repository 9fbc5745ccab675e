import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import type { Probe } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import { container, pod } from '../testing/pods.ts';
import { runProbe } from './run.ts';
import { initialState, nextState, type ProbeState, type ProbeType } from './verdict.ts';

/** After these answers, with two failures and one success needed. */
function after(type: ProbeType, ...answers: ('success' | 'failure')[]): ProbeState {
  return answers.reduce((state, answer) => nextState(type, state, answer, { success: 1, failure: 2 }), initialState(type));
}

test('a container is alive until shown otherwise, and not ready until shown so', () => {
  assert.deepEqual([after('liveness').verdict, after('readiness').verdict, after('startup').verdict], ['success', 'failure', 'unknown']);
});

test('a verdict changes after so many answers in a row', () => {
  assert.equal(after('readiness', 'success').verdict, 'success');
  assert.equal(after('readiness', 'success', 'failure').verdict, 'success');
  assert.equal(after('readiness', 'success', 'failure', 'success', 'failure').verdict, 'success');
  assert.equal(after('readiness', 'success', 'failure', 'failure').verdict, 'failure');
});

test('a container that is going to be restarted is not probed any more', () => {
  assert.deepEqual([after('liveness', 'failure', 'failure').onHold, after('readiness', 'failure', 'failure').onHold], [true, false]);
});

const context = { options: { kubernetesVersion: 'v1.36.2' } } as unknown as KubeletContext;
const probe = (podIp: string, port: number, of: Probe) =>
  runProbe(context, { pod: pod(), container: container('main', { ports: [{ name: 'http', containerPort: port }] }), containerId: 'id', podIp }, of);

test('an HTTP probe takes 2xx and 3xx, and says what it got otherwise', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers['user-agent']} ${request.headers['x-own'] ?? ''}`);
    if (request.url === '/away') response.writeHead(302, { location: 'http://192.0.2.7/' }).end('there');
    else if (request.url === '/near') response.writeHead(302, { location: '/ok' }).end();
    else response.writeHead(request.url?.startsWith('/bad') ? 503 : 200).end('body');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const get = (path: string) => probe('127.0.0.1', port, { httpGet: { path, port: 'http', httpHeaders: [{ name: 'X-Own', value: 'v' }] } });
  assert.deepEqual(await get('/ok?a=%2F&b=c d'), { result: 'success', output: 'body' });
  assert.deepEqual(await get('/bad'), { result: 'failure', output: 'HTTP probe failed with statuscode: 503' });
  assert.deepEqual(await get('/near'), { result: 'success', output: 'body' });
  assert.deepEqual(await get('/away'), { result: 'warning', output: 'Probe terminated redirects, Response body: there' });
  assert.equal(seen[0], '/ok?a=%2F&b=c%20d kube-probe/1.36 v');
  server.close();
  server.closeAllConnections();
  const refused = await get('/');
  assert.match(refused.output, /^Get "http:\/\/127\.0\.0\.1:\d+\/": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/);
});

test('an HTTP probe does not wait longer than it may', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { result, output } = await probe('127.0.0.1', port, { timeoutSeconds: 0.05, httpGet: { path: '/', port } });
  assert.equal(result, 'failure');
  assert.match(output, /context deadline exceeded/);
  server.closeAllConnections();
  server.close();
});

test('a TCP probe connects', async () => {
  const server = net.createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  assert.equal((await probe('127.0.0.1', port, { tcpSocket: { port } })).result, 'success');
  await new Promise((resolve) => server.close(resolve));
  assert.match((await probe('127.0.0.1', port, { tcpSocket: { port } })).output, /connect: connection refused$/);
});

test('a gRPC probe asks the health service', async () => {
  const server = new grpc.Server();
  const identity = (bytes: Buffer): Buffer => bytes;
  const method = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  server.addService(
    { check: method },
    {
      check: (call: { request: Buffer }, done: (error: null, answer: Buffer) => void) =>
        done(null, call.request.toString().includes('ill') ? Buffer.from([8, 2]) : Buffer.from([8, 1])),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  assert.equal((await probe('127.0.0.1', port, { grpc: { port } })).result, 'success');
  assert.deepEqual(await probe('127.0.0.1', port, { grpc: { port, service: 'ill' } }), {
    result: 'failure',
    output: 'service unhealthy (responded with "NOT_SERVING")',
  });
  server.forceShutdown();
  assert.equal((await probe('127.0.0.1', port, { timeoutSeconds: 0.2, grpc: { port } })).result, 'failure');
});
