/** HTTP/2 streams as exchanges, through the core stream API: no compatibility layer in the way. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Exchange, Reply, Sink } from '../exchange.ts';
import { bodyLength } from '../exchange.ts';
import { readStream } from './body.ts';
import { peerCertificateOf } from './peer.ts';
import { largeAnswer, type Outlet, type PieceSender } from './pieces.ts';
import { largeBytes, mustBeTaken } from './unread.ts';

export function exchangeOfHttp2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Exchange {
  const { session } = stream;
  return {
    method: (headers[':method'] as string | undefined) ?? 'GET',
    url: (headers[':path'] as string | undefined) ?? '/',
    headers: headers as unknown as Record<string, string | undefined>,
    protocol: 'HTTP/2.0',
    remoteAddress: session?.socket.remoteAddress ?? '',
    peerCertificate: () => session && peerCertificateOf(session.socket as TLSSocket, session),
    readBody: (limit) => (stream.endAfterHeaders ? Promise.resolve(Buffer.alloc(0)) : readStream(stream, limit)),
    rawBody: () => stream,
    onClose: (listener) => {
      if (stream.closed || stream.destroyed) listener();
      else stream.once('close', listener);
    },
  };
}

/** Sends a reply on an HTTP/2 stream. */
export function replyHttp2(stream: ServerHttp2Stream, head: boolean, reply: Reply, pieces: PieceSender): void {
  if (stream.headersSent || stream.destroyed || stream.closed) return;
  const headers = { ':status': reply.status, ...reply.headers };
  const { body } = reply;
  if (reply.stream && !head) {
    stream.respond(headers);
    reply.stream(sinkOf(stream));
  } else if (head || !body || (body instanceof Uint8Array && body.byteLength === 0)) {
    stream.respond(headers, { endStream: true });
  } else {
    stream.respond(headers);
    const length = bodyLength(body);
    if (length > largeBytes) mustBeTaken(stream, () => stream.close(constants.NGHTTP2_CANCEL));
    if (length > largeAnswer) pieces.send(body instanceof Uint8Array ? [body] : body, reply.whose ?? '', outletOf(stream));
    else stream.end(body instanceof Uint8Array ? body : Buffer.concat(body, length));
  }
}

const outletOf = (stream: ServerHttp2Stream): Outlet => ({
  write: (chunk, taken) => void stream.write(chunk, taken),
  end: () => void stream.end(),
  get closed() {
    return stream.closed || stream.destroyed;
  },
});

function sinkOf(stream: ServerHttp2Stream): Sink {
  return {
    write: (chunk) => void stream.write(chunk),
    end: () => void stream.end(),
    destroy: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    pendingBytes: () => stream.writableLength,
    onDrain: (listener) => {
      if (stream.writableNeedDrain) stream.once('drain', listener);
      else setImmediate(listener);
    },
    onClose: (listener) => {
      if (stream.closed || stream.destroyed) listener();
      else stream.once('close', listener);
    },
    get closed() {
      return stream.closed || stream.destroyed || stream.writableEnded;
    },
  };
}
