/** A webhook that a kubeconfig names, over TLS. Only for tests. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { selfSigned } from './tls.ts';

export interface TestWebhook extends AsyncDisposable {
  /** What it was sent, parsed, in order. */
  requests: any[];
  /** Path and headers of the last request. */
  last: { path: string; authorization: string | undefined };
  /** Answers to what it is sent: a value for JSON, or a status code. */
  answer(request: any): unknown;
}

/** @param kubeconfig where the file goes that describes it */
export async function startTestWebhook(kubeconfig: string, answer: (request: any) => unknown = () => ({})): Promise<TestWebhook> {
  const tls = selfSigned();
  const sockets = new Set<Duplex>();
  const server = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString());
      webhook.requests.push(body);
      webhook.last = { path: request.url ?? '', authorization: request.headers.authorization };
      const answered = webhook.answer(body);
      if (typeof answered === 'number') response.writeHead(answered).end('no');
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cluster = { server: `https://127.0.0.1:${port}/review`, 'certificate-authority-data': Buffer.from(tls.cert).toString('base64') };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'webhook',
      clusters: [{ name: 'webhook', cluster }],
      users: [{ name: 'server', user: { token: 'shared' } }],
      contexts: [{ name: 'webhook', context: { cluster: 'webhook', user: 'server' } }],
    }),
  );
  const webhook: TestWebhook = {
    requests: [],
    last: { path: '', authorization: undefined },
    answer,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return webhook;
}
