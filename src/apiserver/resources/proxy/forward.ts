/** Hands a request on to another server: streams both ways, and upgrades by joining the two connections. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { plainHttp } from '../../../client/plainhttp.ts';
import { withoutTokenProtocol } from '../../authentication/index.ts';
import type { Exchange, Reply, ReplyHeaders, Sink } from '../../exchange.ts';
import type { Dial, DialTarget } from './dial.ts';
import { dialTls, unreachable } from './dial.ts';

export interface Destination extends DialTarget {
  /** Path with query. */
  path: string;
  /** Absent for plain HTTP. */
  tls?: ConnectionOptions;
}

/** Headers that end at this hop, and those that speak for the user to this server alone. */
const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'http2-settings',
]);

const isPrivate = (name: string): boolean => dropped.has(name) || name.startsWith(':') || name.startsWith('impersonate-') || name.startsWith('x-remote-');

function outgoingHeaders({ headers, remoteAddress }: Exchange): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !isPrivate(name)) kept[name] = value;
  const before = kept['x-forwarded-for'];
  kept['x-forwarded-for'] = before ? `${before}, ${remoteAddress}` : remoteAddress;
  kept['x-forwarded-uri'] ??= '';
  if (kept['x-forwarded-uri'] === '') delete kept['x-forwarded-uri'];
  return kept;
}

const hostOf = ({ host, port }: DialTarget): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

async function open(dial: Dial, to: Destination): Promise<Duplex> {
  try {
    return await (to.tls ? dialTls(dial, to, to.tls) : dial(to));
  } catch (error) {
    throw unreachable(error, to);
  }
}

export interface ForwardOptions {
  /** Headers that say who the request is from; what the client sent of that kind is dropped. */
  identity?: Record<string, string | string[]>;
  /** Changes the answer's headers before they go out. */
  headers?(headers: ReplyHeaders): void;
}

/** Forwards one request and streams the answer back; an upgrade joins the connections. Fails with 503 when nobody answers. */
export async function forward(dial: Dial, exchange: Exchange, to: Destination, options: ForwardOptions = {}): Promise<Reply> {
  const connection = await open(dial, to);
  if (exchange.upgrade) return joinConnections(exchange, connection, to, options);
  return new Promise((resolve, reject) => {
    const request = plainHttp().request({
      method: exchange.method,
      path: to.path,
      headers: { ...outgoingHeaders(exchange), ...options.identity, host: hostOf(to), connection: 'close' },
      createConnection: () => connection,
    });
    exchange.onClose(() => request.destroy());
    request.once('error', (error) => reject(unreachable(error, to)));
    request.once('response', (response) => {
      const headers = incomingHeaders(response);
      options.headers?.(headers);
      resolve({ status: response.statusCode ?? 502, headers, stream: (sink) => pump(response, sink) });
    });
    const body = exchange.rawBody();
    if (body && exchange.method !== 'GET' && exchange.method !== 'HEAD') body.pipe(request);
    else request.end();
  });
}

function incomingHeaders(response: IncomingMessage): ReplyHeaders {
  const headers: ReplyHeaders = {};
  for (const [name, value] of Object.entries(response.headers)) if (value !== undefined && !dropped.has(name)) headers[name] = value;
  return headers;
}

/** The answer's body goes as fast as the client takes it. */
export function pump(source: NodeJS.ReadableStream & { destroy?(): void }, sink: Sink): void {
  const highWater = 1 << 20;
  source.on('data', (chunk: Buffer) => {
    sink.write(chunk);
    if (sink.pendingBytes() <= highWater) return;
    source.pause();
    sink.onDrain(() => source.resume());
  });
  source.on('end', () => sink.end());
  source.on('error', () => sink.destroy());
  sink.onClose(() => source.destroy?.());
}

/** Sends the request's head on as it stands, and joins the two connections: what follows is between client and server. */
function joinConnections(exchange: Exchange, connection: Duplex, to: Destination, { identity = {} }: ForwardOptions): Reply {
  const { request, socket, head } = exchange.upgrade as NonNullable<Exchange['upgrade']>;
  const lines = [`${request.method} ${to.path} HTTP/1.1`, `Host: ${hostOf(to)}`];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] as string;
    const value = request.rawHeaders[index + 1] as string;
    const lower = name.toLowerCase();
    if (lower === 'connection' || lower === 'upgrade') lines.push(`${name}: ${value}`);
    else if (lower === 'sec-websocket-protocol') lines.push(`${name}: ${withoutTokenProtocol(value.split(',')).join(',').trim()}`);
    else if (!isPrivate(lower)) lines.push(`${name}: ${value}`);
  }
  for (const [name, value] of Object.entries(identity)) for (const one of [value].flat()) lines.push(`${name}: ${one}`);
  connection.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  if (head.length > 0) connection.write(head);
  const end = (): void => {
    socket.destroy();
    connection.destroy();
  };
  for (const side of [socket, connection]) {
    side.on('error', end);
    side.once('close', end);
  }
  socket.pipe(connection);
  connection.pipe(socket);
  return { status: 101, headers: {}, hijacked: true };
}
