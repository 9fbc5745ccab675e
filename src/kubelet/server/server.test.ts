import assert from 'node:assert/strict';
import { get } from 'node:https';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { selfSignedCertificate } from './certificate.ts';
import { createKubeletServer, type ServerParts } from './server.ts';
import type { Pair } from './servingcertificate.ts';

async function serve(t: TestContext, more: Partial<ServerParts> = {}) {
  const options = { nodeName: 'n1', nodeIps: ['127.0.0.1'], server: { address: '127.0.0.1', port: 0, insecureAllowAll: true } };
  const server = await createKubeletServer({ context: { options, log: pino({ enabled: false }) }, ...more } as unknown as ServerParts);
  t.after(() => server.close());
  const ask = (path: string): Promise<{ status: number | undefined; cert: string }> =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: server.port, path, rejectUnauthorized: false, agent: false }, (response) => {
        const { subject } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
        response.resume().once('end', () => resolve({ status: response.statusCode, cert: String(subject.CN) }));
      }).once('error', reject);
    });
  return { server, ask };
}

test('a command may be long', async (t) => {
  const { ask } = await serve(t);
  assert.equal((await ask(`/healthz/ping?command=${'a'.repeat(100_000)}`)).status, 200);
});

test('who waits for the cluster to sign the certificate talks to nobody until then', async (t) => {
  let pair: Pair | undefined;
  const { server, ask } = await serve(t, { serving: { current: () => pair, run: async () => {} } });
  await assert.rejects(ask('/healthz/ping'));
  pair = selfSignedCertificate('signed', ['127.0.0.1']);
  server.renew();
  assert.match((await ask('/healthz/ping')).cert, /^signed@/);
});
