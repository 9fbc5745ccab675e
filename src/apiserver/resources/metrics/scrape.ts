/** One request to a kubelet, in the name of this server. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { plainHttp } from '../../../client/plainhttp.ts';
import type { KubeletClientOptions } from '../pods/streaming.ts';
import { kubeletTls } from '../pods/streaming.ts';
import type { DialTarget } from '../proxy/dial.ts';
import { dialTls } from '../proxy/dial.ts';

const path = '/metrics/resource';
/** A kubelet's answer is a few hundred bytes for each container. */
const limitBytes = 16 << 20;

/** The text at `/metrics/resource`. Rejects when the kubelet does not answer with it, or `signal` aborts. */
export async function scrapeKubelet(client: KubeletClientOptions, target: DialTarget, signal: AbortSignal): Promise<string> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  let socket: Duplex | undefined;
  const abort = (): void => {
    aborted.reject(signal.reason);
    socket?.destroy();
  };
  signal.addEventListener('abort', abort);
  const dial = async (to: DialTarget): Promise<Duplex> => {
    socket = await client.dial(to);
    if (signal.aborted) socket.destroy();
    return socket;
  };
  try {
    return await Promise.race([dialTls(dial, target, kubeletTls(client)).then((connection) => read(connection, target)), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    socket?.destroy();
  }
}

function read(connection: Duplex, { host, port }: DialTarget): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing: ClientRequest = plainHttp().request({
      path,
      headers: { host: `${host}:${port}`, accept: 'text/plain', connection: 'close' },
      createConnection: () => connection,
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.once('error', reject);
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > limitBytes) response.destroy(new Error(`the answer is longer than ${limitBytes} bytes`));
        else chunks.push(chunk);
      });
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`request failed, status: ${response.statusCode} ${text.slice(0, 200).trim()}`));
      });
    });
    outgoing.end();
  });
}
