/** `/openapi/v2` and `/openapi/v3`: what the registry serves, described. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OpenApiKind } from '../../api/openapi/index.ts';
import { openapiV2, openapiV3, openapiV3Index, protobufV2 } from '../../api/openapi/index.ts';
import { notAcceptable } from '../../apimachinery/errors.ts';
import type { RequestContext } from '../context.ts';
import type { Reply, ReplyHeaders } from '../exchange.ts';
import { textReply } from '../exchange.ts';
import type { KindRegistry } from '../registry.ts';
import type { PathHandler } from '../route.ts';

/** What clients ask for with `@`, which no media type may have in it, is answered under this name. */
const protobufV2Type = protobufV2.replace('@', '.');
const gzipAsync = promisify(gzip);

interface Document {
  body: Buffer;
  hash: string;
  contentType: string;
}

/** A document that another server answers for: its path under `/openapi/v3/`, and where it stands there. */
export interface RemoteDocument {
  path: string;
  serverRelativeURL: string;
}

export interface OpenApiOptions {
  /** What aggregated servers add to the index. */
  remote?(): readonly RemoteDocument[];
}

export function openapiPaths(registry: KindRegistry, options: OpenApiOptions = {}): PathHandler {
  let kinds: readonly OpenApiKind[] = [];
  let generation = -1;
  // Compressed bodies live as long as the documents that they are of.
  const compressed = new WeakMap<Buffer, Promise<Buffer>>();

  function current(): readonly OpenApiKind[] {
    if (generation !== registry.generation) {
      generation = registry.generation;
      kinds = Array.from(registry.all(), ({ definition, openapi }) => ({ definition, ...openapi }));
    }
    return kinds;
  }

  async function answer(context: RequestContext, { body, hash, contentType }: Document, immutable = false): Promise<Reply> {
    const { headers: asked } = context.exchange;
    const headers: ReplyHeaders = { 'content-type': contentType, etag: `"${hash}"`, vary: 'Accept-Encoding, Accept' };
    if (immutable) {
      headers['cache-control'] = 'public, immutable';
      headers['expires'] = new Date(context.now.getTime() + 365 * 24 * 60 * 60 * 1000).toUTCString();
    } else headers['cache-control'] = 'no-cache, private';
    if (asked['if-none-match']?.includes(hash)) return { status: 304, headers };
    if (!asked['accept-encoding']?.includes('gzip') || body.length < 1024) return { status: 200, headers, body };
    const small = compressed.get(body) ?? gzipAsync(body);
    compressed.set(body, small);
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: await small };
  }

  async function version2(context: RequestContext): Promise<Reply> {
    const accept = context.exchange.headers['accept'] ?? '';
    const { json, protobuf, hash } = await openapiV2(current());
    if (accept.includes(protobufV2) || accept.includes(protobufV2Type)) return answer(context, { body: protobuf, hash, contentType: protobufV2Type });
    if (accept !== '' && !/\*\/\*|application\/(?:json|\*)/.test(accept)) {
      throw notAcceptable(`only the following media types are accepted: application/json, ${protobufV2}`);
    }
    return answer(context, { body: json, hash, contentType: 'application/json' });
  }

  async function index(context: RequestContext): Promise<Reply> {
    const { json, hash } = openapiV3Index(current());
    const remote = options.remote?.() ?? [];
    if (remote.length === 0) return answer(context, { body: json, hash, contentType: 'application/json' });
    const { paths } = JSON.parse(json.toString('utf8')) as { paths: Record<string, { serverRelativeURL: string }> };
    for (const { path, serverRelativeURL } of remote) paths[path] = { serverRelativeURL };
    const body = Buffer.from(JSON.stringify({ paths }));
    return answer(context, { body, hash: `${hash}-${remote.length}`, contentType: 'application/json' });
  }

  async function version3(context: RequestContext, groupVersion: string): Promise<Reply> {
    const document = await openapiV3(groupVersion, current());
    if (!document) return textReply(404, '404 page not found\n');
    const asked = context.info.query.get('hash');
    if (asked !== null && asked !== document.hash) {
      return { status: 301, headers: { location: `${context.info.path}?hash=${document.hash}` } };
    }
    return answer(context, { body: document.json, hash: document.hash, contentType: 'application/json' }, asked !== null);
  }

  return (context) => {
    const { path } = context.info;
    if (!path.startsWith('/openapi/')) return undefined;
    if (path === '/openapi/v2') return version2(context);
    if (path === '/openapi/v3' || path === '/openapi/v3/') return index(context);
    const [, groupVersion] = /^\/openapi\/v3\/apis?\/(.+)$/.exec(path) ?? [];
    // What others serve, they describe.
    if (groupVersion === undefined || options.remote?.().some((one) => one.path === `apis/${groupVersion}`)) return undefined;
    return version3(context, groupVersion);
  };
}
