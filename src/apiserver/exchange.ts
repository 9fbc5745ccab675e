/**
 * One request and its answer, independent of how they travel: HTTP/1.1, HTTP/2 and the in-process transport
 * all become an {@link Exchange} on the way in and send a {@link Reply} on the way out.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { UserInfo } from '../api/kind.ts';
import type { PeerCertificate } from './contracts.ts';

/** A connection whose client wants to go on in another protocol (SPDY, WebSocket). */
export interface UpgradeRequest {
  request: IncomingMessage;
  socket: Duplex;
  /** Bytes that came after the request's headers. */
  head: Buffer;
}

export interface Exchange {
  method: string;
  /** Path with query, as it stood on the request line. */
  url: string;
  /** Lower-case names; repeated headers joined with `, `. */
  headers: Readonly<Record<string, string | undefined>>;
  protocol: 'HTTP/1.1' | 'HTTP/2.0';
  remoteAddress: string;
  /** What TLS verified, if the client showed a certificate of the client CA. */
  peerCertificate(): PeerCertificate | undefined;
  /** Set by an in-process transport: the caller is already known. */
  identity?: UserInfo;
  /** The whole body. Fails with a 413 `StatusError` past `limit` bytes. */
  readBody(limit: number): Promise<Buffer>;
  /** The body as it arrives, for requests that are forwarded. */
  rawBody(): NodeJS.ReadableStream | undefined;
  /** Set when the client asked for another protocol; whoever takes it answers on the socket by itself. */
  upgrade?: UpgradeRequest;
  /** Calls back once when the client is gone (or the exchange was otherwise cut short). */
  onClose(listener: () => void): void;
}

/** Where a streamed answer is written. */
export interface Sink {
  write(chunk: Uint8Array): void;
  /**
   * Each chunk comes by itself and at once: it is a message of its own, or is read in this process, by somebody who may go on from
   * promise to promise until it comes, so that nothing else ever has its turn.
   */
  readonly alone?: boolean;
  end(): void;
  /** Cuts the answer off in the middle, so that the client notices. */
  destroy(): void;
  /** Bytes that were written and that the client has not taken yet. */
  pendingBytes(): number;
  /** Calls back once as soon as `pendingBytes` is small again. */
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
  readonly closed: boolean;
}

export type ReplyHeaders = Record<string, string | string[] | number>;

export interface Reply {
  status: number;
  headers: ReplyHeaders;
  /** One buffer, or several that are sent one after the other. */
  body?: Uint8Array | readonly Uint8Array[];
  /** Nothing more is taken on the connection. */
  lastOfConnection?: boolean;
  /** Who asked: large answers to one share what there is of turns. */
  whose?: string;
  /** The answer was given on the socket of an upgrade: there is nothing left to send. */
  hijacked?: boolean;
  /** A streamed answer: called after the headers were sent. */
  stream?(sink: Sink): void;
}

/** Sends replies of one transport. */
export type Responder = (reply: Reply) => void;

export const textReply = (status: number, text: string, headers: ReplyHeaders = {}): Reply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers },
  body: Buffer.from(text),
});

/** Bytes of a reply's body. */
export const bodyLength = (body: Reply['body']): number => {
  if (!body) return 0;
  if (body instanceof Uint8Array) return body.byteLength;
  let total = 0;
  for (const part of body) total += part.byteLength;
  return total;
};
