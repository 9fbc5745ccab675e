/**
 * The TLS port: HTTP/1.1 and HTTP/2 by ALPN, client certificates asked for but not demanded.
 * Requests become exchanges and go to one handler; connections that are upgraded go to another.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { DEFAULT_CIPHERS, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { Exchange, Responder } from '../exchange.ts';
import type { Sharing } from '../flowcontrol/sharing.ts';
import { handshakeErrors } from '../nonresource/requestmetrics.ts';
import { paceArrivals } from './arrivals.ts';
import { exchangeOfHttp1, replyHttp1 } from './http1.ts';
import { exchangeOfHttp2, replyHttp2 } from './http2.ts';
import type { PieceSender } from './pieces.ts';

export interface ListenOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** 0 picks a free port. */
  port: number;
  /** HTTP/2 requests at a time on a connection. Default 100. */
  maxStreams?: number;
  tls: {
    key: string | Buffer;
    cert: string | Buffer;
    /** PEM of the authorities that client certificates are verified against. */
    clientCa?: string | Buffer | (string | Buffer)[];
    /** Default TLS 1.2. */
    minVersion?: SecureVersion;
    /** As OpenSSL names them. */
    ciphers?: string;
    /** Further certificates, by the names that clients ask for; the first that matches is shown. */
    certificates?: readonly { names: readonly string[]; cert: string | Buffer; key: string | Buffer }[];
  };
}

export interface Handlers {
  request(exchange: Exchange, respond: Responder): void;
  /** Of HTTP/2 requests, the part whose connection is closed after them. */
  goawayChance: number;
  /** Sends large answers. */
  pieces: PieceSender;
  /** Whether several ask. */
  sharing: Sharing;
  /** `head` are bytes that already came after the request's headers. */
  upgrade(exchange: Exchange, request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Listener {
  host: string;
  port: number;
  /** Replaces key, certificate and client CA for new connections. */
  setTls(options: SecureContextOptions): void;
  /** Accepts no more; open connections end when they are idle. */
  stop(): void;
  /** The same, and after `graceMs` milliseconds those that are left are cut off. */
  close(graceMs: number): Promise<void>;
}

/** As upstream: what clients think before they are told. */
const defaultMaxStreams = 100;

/** The quickest of the good ones first, as upstream's server has it. */
const quickest = 'TLS_AES_128_GCM_SHA256';
const preferredCiphers = [quickest, ...DEFAULT_CIPHERS.split(':').filter((name) => name !== quickest)].join(':');

/** As Go has it: a megabyte, and a buffer that is read ahead; over HTTP/2 some more for what each of a usual number of headers costs. */
const maxHeaderBytes = (1 << 20) + 4096;
const maxHeaderListBytes = (1 << 20) + 320;

/** A connection that is silent for so long is probed, in milliseconds. */
const keepAliveMs = 30_000;

const never = (): void => {};

/** How long a connection lingers whose last answer the client may not have read, in milliseconds. */
const lingerMs = 500;

/** Bytes that are no HTTP: says so, and hangs up. What is unread at that time would take the answer with it. */
function refuse(error: Error & { code?: string }, socket: Duplex): void {
  // Whatever comes after is as wrong.
  if (socket.writableEnded) return;
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.on('error', never);
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

export async function listen(options: ListenOptions, handlers: Handlers): Promise<Listener> {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  let closing = false;
  const server = createSecureServer({
    allowHTTP1: true,
    key: options.tls.key,
    cert: options.tls.cert,
    ca: options.tls.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: options.tls.minVersion ?? 'TLSv1.2',
    ciphers: options.tls.ciphers ?? preferredCiphers,
    // Large windows keep long lists from waiting for updates.
    settings: {
      maxConcurrentStreams: options.maxStreams ?? defaultMaxStreams,
      initialWindowSize: 1 << 20,
      maxHeaderListSize: maxHeaderListBytes,
      // Few enough frames for the longest headers.
      maxFrameSize: 1 << 18,
      enableConnectProtocol: false,
    },
    // By their size alone: a user can be in many groups.
    maxHeaderListPairs: 1 << 16,
    maxSessionMemory: 256,
    keepAliveTimeout: 180_000,
    headersTimeout: 32_000,
    requestTimeout: 0,
    maxHeaderSize: maxHeaderBytes,
    noDelay: true,
  } as Parameters<typeof createSecureServer>[0]);

  // The last that is added wins.
  for (const { names, ...pair } of (options.tls.certificates ?? []).toReversed())
    for (const name of names) server.addContext(name, { ...pair, ca: options.tls.clientCa });
  paceArrivals(server, handlers.sharing);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // A peer that vanished without a word is found out.
    socket.setKeepAlive(true, keepAliveMs);
    socket.once('close', () => sockets.delete(socket));
  });
  (server as unknown as { maxHeadersCount: number }).maxHeadersCount = 0;
  server.on('tlsClientError', () => handshakeErrors.add(1));
  server.on('clientError', refuse);
  server.on('sessionError', never);
  server.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(1 << 24);
    session.once('close', () => sessions.delete(session));
    session.on('error', never);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', never);
    // A client that resets a stream without an error is gone all the same; by itself the stream would wait for it to read.
    stream.once('aborted', () => stream.destroy());
    const head = headers[':method'] === 'HEAD';
    handlers.request(exchangeOfHttp2(stream, headers), (reply) => {
      replyHttp2(stream, head, reply, handlers.pieces);
      // Says goodbye, and lets what is under way end.
      if (reply.lastOfConnection || (handlers.goawayChance > 0 && Math.random() < handlers.goawayChance)) stream.session?.close();
    });
  });
  // A listener to requests would bring the compatibility layer to every HTTP/2 stream; this one is for HTTP/1.1 alone.
  server.removeAllListeners('newListener');
  server.on('request', (rawRequest, rawResponse) => {
    if (rawRequest.httpVersionMajor >= 2) return;
    const request = rawRequest as unknown as IncomingMessage;
    const response = rawResponse as unknown as ServerResponse;
    request.on('error', never);
    response.on('error', never);
    const exchange = exchangeOfHttp1(request, (listener) => {
      if (response.destroyed) listener();
      else response.once('close', listener);
    });
    handlers.request(exchange, (reply) => {
      if (closing || reply.lastOfConnection) response.shouldKeepAlive = false;
      // A body that nobody will read blocks the connection: answer, then close it.
      if (!request.complete && reply.status >= 400 && !reply.stream) response.shouldKeepAlive = false;
      replyHttp1(response, request.method === 'HEAD', reply, handlers.pieces);
    });
  });
  server.on('upgrade', (rawRequest: unknown, socket: Duplex, head: Buffer) => {
    const request = rawRequest as IncomingMessage;
    socket.on('error', never);
    handlers.upgrade(
      exchangeOfHttp1(request, (listener) => void socket.once('close', listener)),
      request,
      socket,
      head,
    );
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host ?? '127.0.0.1', port: options.port, backlog: 2048 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  const closed = Promise.withResolvers<void>();
  const stop = (): void => {
    if (closing) return;
    closing = true;
    server.close(() => closed.resolve());
    for (const session of sessions) session.close();
    (server as unknown as { closeIdleConnections?(): void }).closeIdleConnections?.();
  };
  return {
    host: address.address,
    port: address.port,
    setTls: (context) => server.setSecureContext(context),
    stop,
    async close(graceMs) {
      stop();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed.promise;
      clearTimeout(timer);
    },
  };
}
