/** Replies from what the handlers made: content type, warnings, compression, and failures as `Status`. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { badRequest, internalError, StatusError } from '../../apimachinery/errors.ts';
import type { RequestContext } from '../context.ts';
import { warningHeaders } from '../context.ts';
import type { Exchange, Reply, ReplyHeaders } from '../exchange.ts';
import { bodyLength } from '../exchange.ts';
import type { MediaType } from '../negotiation/accept.ts';
import { contentTypes, negotiate } from '../negotiation/accept.ts';
import { wantsPretty } from './form.ts';
import { gzipParts } from './gzip.ts';
import type { Form } from './represent.ts';
import { encodeValue, representValue } from './represent.ts';

const gzipAsync = promisify(gzip);

/** Answers shorter than this are sent as they are (upstream: 128 KiB). */
const compressFrom = 128 * 1024;

const acceptsGzip = (exchange: Exchange): boolean => exchange.headers['accept-encoding']?.split(',').some((one) => one.trim().startsWith('gzip')) ?? false;

export function contentTypeOf(media: MediaType): string {
  return contentTypes[media.encoding];
}

export async function bodyReply(context: RequestContext, status: number, media: MediaType, body: Uint8Array | readonly Uint8Array[]): Promise<Reply> {
  const headers: ReplyHeaders = { 'cache-control': 'no-cache, private', 'content-type': contentTypeOf(media) };
  if (context.warnings.length > 0) headers['warning'] = warningHeaders(context.warnings);
  if (context.compress && bodyLength(body) >= compressFrom && acceptsGzip(context.exchange)) {
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'Accept-Encoding';
    return { status, headers, body: await compressed(body) };
  }
  return { status, headers, body };
}

/** Parts of this size are compressed by themselves; smaller ones compress better together, in bytes. */
const largePart = 32 * 1024;

async function compressed(body: Uint8Array | readonly Uint8Array[]): Promise<Uint8Array | readonly Uint8Array[]> {
  if (!(body instanceof Uint8Array) && bodyLength(body) / body.length >= largePart) return gzipParts(body);
  return gzipAsync(body instanceof Uint8Array ? body : Buffer.concat(body), { level: 1 });
}

/** An answer that is no stored object: a Status, a review, a scale. */
export const valueReply = (context: RequestContext, status: number, form: Form, value: object): Promise<Reply> =>
  bodyReply(context, status, form.media, representValue(value, form));

const defaultMedia: MediaType = { encoding: 'json', as: '', asVersion: 'v1', stream: false, discovery: '' };

/** Only what a client sent can be nested deeper than the stack. */
function failureOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return error instanceof RangeError && error.message.startsWith('Maximum call stack') ? badRequest('exceeded max depth') : internalError(error);
}

/** A failure, in the encoding that was asked for when there is one. */
export function errorReply(exchange: Exchange, error: unknown, context?: RequestContext): Reply {
  const failure = failureOf(error);
  let media = defaultMedia;
  try {
    media = negotiate(exchange.headers['accept']);
  } catch {
    // What the client accepts is what is wrong: JSON it is.
  }
  const headers: ReplyHeaders = { 'cache-control': 'no-cache, private', 'content-type': contentTypeOf(media) };
  const retry = failure.status.details?.retryAfterSeconds;
  if (retry) headers['retry-after'] = String(retry);
  if (context && context.warnings.length > 0) headers['warning'] = warningHeaders(context.warnings);
  return {
    status: failure.code,
    headers,
    body: encodeValue(media, context !== undefined && media.encoding === 'json' && wantsPretty(context), failure.status),
  };
}
