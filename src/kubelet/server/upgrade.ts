/** Upgraded connections: to the runtime's streaming server, and from the API server through to it as they are. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface Upgraded {
  response: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** The other side did not switch protocols: its answer. */
export class UpgradeRefused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** `headers` as a flat list of names and values, so that repeated ones stay apart. */
export function dialUpgrade(url: string, method: string, headers: readonly string[]): Promise<Upgraded> {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<Upgraded>();
  // Without a length Node sends an empty chunked body, which the other side would take for the first frame.
  const request = (secure ? https : http).request(target, {
    method,
    headers: [...headers, 'Host', target.host, 'Content-Length', '0'],
    agent: false,
    ...(secure ? { rejectUnauthorized: false } : {}),
  });
  request.on('upgrade', (response, socket, head) => resolve({ response, socket, head }));
  request.on('response', (response) => {
    void text(response).then((body) => reject(new UpgradeRefused(response.statusCode ?? 500, body || `unexpected answer ${response.statusCode}`)), reject);
  });
  request.on('error', reject);
  request.end();
  return promise;
}

/** What concerns this connection or the caller's credentials alone, and is not for the runtime. */
const notForwarded = new Set(['host', 'authorization', 'content-length']);

const forwardedHeaders = ({ rawHeaders }: IncomingMessage): string[] => {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!notForwarded.has(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? '');
  }
  return kept;
};

const statusLine = ({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string => {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let index = 0; index < rawHeaders.length; index += 2) lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
};

/** Joins two connections until both have ended. */
export function join(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  const destroy = (): void => {
    a.destroy();
    b.destroy();
  };
  for (const side of [a, b]) side.on('error', destroy).on('close', destroy);
}

/** Passes the caller's own upgrade on to `url`, byte for byte. */
export async function passThrough(request: IncomingMessage, socket: Duplex, head: Buffer, url: string): Promise<void> {
  const upstream = await dialUpgrade(url, request.method ?? 'POST', forwardedHeaders(request));
  socket.write(statusLine(upstream.response));
  if (upstream.head.length) socket.write(upstream.head);
  if (head.length) upstream.socket.write(head);
  join(socket, upstream.socket);
}

/** Opens SPDY/3.1 to the runtime's streaming server. */
export const dialSpdy = (url: string, protocols: readonly string[]): Promise<Upgraded> =>
  dialUpgrade(url, 'POST', ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', ...protocols.flatMap((protocol) => ['X-Stream-Protocol-Version', protocol])]);
