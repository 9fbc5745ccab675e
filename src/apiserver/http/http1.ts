/** HTTP/1.1 requests as exchanges. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Exchange, Reply, Sink } from '../exchange.ts';
import { bodyLength } from '../exchange.ts';
import { readStream } from './body.ts';
import { peerCertificateOf } from './peer.ts';
import { largeAnswer, type Outlet, type PieceSender } from './pieces.ts';
import { largeBytes, mustBeTaken } from './unread.ts';

export function exchangeOfHttp1(request: IncomingMessage, whenClosed: (listener: () => void) => void): Exchange {
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers as Record<string, string | undefined>,
    protocol: 'HTTP/1.1',
    remoteAddress: request.socket.remoteAddress ?? '',
    peerCertificate: () => peerCertificateOf(request.socket as TLSSocket),
    readBody: (limit) => readStream(request, limit),
    rawBody: () => request,
    onClose: whenClosed,
  };
}

/** Sends a reply on an HTTP/1.1 response. */
export function replyHttp1(response: ServerResponse, head: boolean, reply: Reply, pieces: PieceSender): void {
  if (response.headersSent || response.destroyed) return;
  if (reply.stream && !head) {
    response.writeHead(reply.status, reply.headers);
    response.flushHeaders();
    reply.stream(sinkOf(response));
    return;
  }
  const { body } = reply;
  if (reply.headers['content-length'] === undefined && reply.status !== 204 && reply.status !== 304 && !reply.stream) {
    reply.headers['content-length'] = bodyLength(body);
  }
  response.writeHead(reply.status, reply.headers);
  const length = head ? 0 : bodyLength(body);
  if (length > largeBytes) mustBeTaken(response, () => response.destroy());
  if (head || !body) response.end();
  else if (length > largeAnswer) pieces.send(body instanceof Uint8Array ? [body] : body, reply.whose ?? '', outletOf(response));
  else response.end(body instanceof Uint8Array ? body : Buffer.concat(body, length));
}

const outletOf = (response: ServerResponse): Outlet => ({
  write: (chunk, taken) => void response.write(chunk, taken),
  end: () => void response.end(),
  get closed() {
    return response.destroyed;
  },
});

function sinkOf(response: ServerResponse): Sink {
  return {
    write: (chunk) => void response.write(chunk),
    end: () => void response.end(),
    destroy: () => void response.destroy(),
    pendingBytes: () => response.writableLength + (response.socket?.writableLength ?? 0),
    onDrain: (listener) => {
      if (response.writableNeedDrain) response.once('drain', listener);
      else setImmediate(listener);
    },
    onClose: (listener) => {
      if (response.destroyed) listener();
      else response.once('close', listener);
    },
    get closed() {
      return response.destroyed || response.writableEnded;
    },
  };
}
