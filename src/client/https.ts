/** The transport to a server elsewhere: HTTP/1.1 over TLS with kept-alive connections; a watch holds one of its own. */

import type http from 'node:http';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { trackRequests } from './abort.ts';
import { plainHttp } from './plainhttp.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

/** How the client proves who it is. Certificates and keys are PEM. */
export interface ClientCredentials {
  cert?: string | Buffer;
  key?: string | Buffer;
  token?: string;
}

export interface HttpsTransportOptions {
  /** `https://host:port`, with an optional path that is put before every request's; `http://` for loopback proxies. */
  server: string;
  /** PEM; absent means the system's. */
  ca?: string | Buffer;
  /** Fixed, or asked before every request (which must be cheap) so that they can be renewed under way. */
  credentials?: ClientCredentials | (() => ClientCredentials | Promise<ClientCredentials>);
  /** The name that the server's certificate must carry, where it is not the host of `server`. */
  serverName?: string;
  insecureSkipTlsVerify?: boolean;
  /** Until the connection stands, TLS included; milliseconds. */
  connectTimeoutMs?: number;
  /** Until the response's headers are there; milliseconds. The server itself gives up after 60 s. */
  responseTimeoutMs?: number;
}

/**
 * Connections for requests that end. More at once wait for their turn: a hundred pods that start would open hundreds of connections
 * else, and a handshake costs both sides more than most requests do.
 */
const maxConnections = 32;
const maxIdleConnections = 8;

/** A connection that is silent for so long is probed, so that a watch notices a dead peer. */
const keepAliveProbeMs = 30_000;

interface Agents {
  ending: http.Agent;
  /** For requests that hold their connection for as long as they like. */
  lasting: http.Agent;
}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

/** Makes a transport. Connection errors are Node's own, with their `code`. */
export function createHttpsTransport(options: HttpsTransportOptions): Transport {
  const { server, connectTimeoutMs = 10_000, responseTimeoutMs = 70_000 } = options;
  const base = new URL(server);
  const basePath = base.pathname.replace(/\/$/, '');
  const secure = base.protocol === 'https:';
  const requests = trackRequests();
  let agents: Agents | undefined;
  let agentCredentials: ClientCredentials = {};

  const currentCredentials = async (): Promise<ClientCredentials> =>
    typeof options.credentials === 'function' ? options.credentials() : (options.credentials ?? {});

  /** A new certificate needs new connections; those under way finish on the old ones. */
  function agentsFor(credentials: ClientCredentials): Agents {
    if (agents && same(agentCredentials.cert, credentials.cert) && same(agentCredentials.key, credentials.key)) return agents;
    const previous = agents;
    agentCredentials = credentials;
    const make = (limits: http.AgentOptions): http.Agent =>
      secure
        ? new https.Agent({
            keepAlive: true,
            ca: options.ca,
            cert: credentials.cert,
            key: credentials.key,
            servername: options.serverName,
            rejectUnauthorized: options.insecureSkipTlsVerify !== true,
            ALPNProtocols: ['http/1.1'],
            ...limits,
          })
        : new (plainHttp().Agent)({ keepAlive: true, ...limits });
    agents = { ending: make({ maxSockets: maxConnections, maxFreeSockets: maxIdleConnections }), lasting: make({ maxFreeSockets: maxIdleConnections }) };
    if (previous) closeIdle(previous);
    return agents;
  }

  function exchange(request: TransportRequest, credentials: ClientCredentials, signal: AbortSignal, done: () => void): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { ...request.headers };
      if (credentials.token !== undefined) headers['authorization'] ??= `Bearer ${credentials.token}`;
      if (request.body) headers['content-length'] = request.body.byteLength;
      const outgoing = (secure ? https : plainHttp()).request({
        agent: agentsFor(credentials)[lasts(request.path) ? 'lasting' : 'ending'],
        host: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port || (secure ? 443 : 80),
        method: request.method,
        path: basePath + request.path,
        headers,
        signal,
      });
      let timer = setTimeout(() => outgoing.destroy(new TimeoutError(`no connection to ${base.host} within ${connectTimeoutMs} ms`)), connectTimeoutMs);
      const connected = (): void => {
        clearTimeout(timer);
        timer = setTimeout(
          () => outgoing.destroy(new TimeoutError(`${request.method} ${request.path}: no answer from ${base.host} within ${responseTimeoutMs} ms`)),
          responseTimeoutMs,
        );
      };
      outgoing.once('socket', (socket) => {
        if (!socket.connecting) {
          connected();
          return;
        }
        socket.setKeepAlive(true, keepAliveProbeMs);
        socket.once(secure ? 'secureConnect' : 'connect', connected);
      });
      outgoing.once('response', (incoming) => {
        clearTimeout(timer);
        resolve({ status: incoming.statusCode ?? 0, headers: flatten(incoming.headers), body: bodyOf(incoming, done) });
      });
      outgoing.once('error', (error) => {
        clearTimeout(timer);
        done();
        reject(signal.aborted ? signal.reason : error);
      });
      outgoing.end(request.body);
    });
  }

  return {
    host: base.host,
    async request(request) {
      const { signal, done } = requests.open(request.signal);
      let credentials: ClientCredentials;
      try {
        credentials = await currentCredentials();
        signal.throwIfAborted();
      } catch (error) {
        done();
        throw error;
      }
      return exchange(request, credentials, signal, done);
    },
    async close() {
      requests.abortAll(new Error('the transport is closed'));
      agents?.ending.destroy();
      agents?.lasting.destroy();
    },
  };
}

async function* bodyOf(incoming: IncomingMessage, done: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* incoming as AsyncIterable<Buffer>;
  } finally {
    done();
  }
}

function same(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  return a === b || (Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b));
}

/** Watches, and logs that are followed. */
const lasts = (path: string): boolean => /[?&](watch|follow)=(1|true)(&|$)/.test(path);

function closeIdle({ ending, lasting }: Agents): void {
  for (const { freeSockets } of [ending, lasting]) for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function flatten(headers: http.IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}
