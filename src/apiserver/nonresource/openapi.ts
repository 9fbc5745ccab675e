/** `/openapi/v2` and `/openapi/v3`: what the registry serves, described. */
import { createHash } from 'node:crypto';
import type { Encoding, OpenApiDocument, OpenApiKind, RemoteV2 } from '../../api/openapi/index.ts';
import { openapiV2, openapiV3, openapiV3Paths, protobufTypes } from '../../api/openapi/index.ts';
import type { RequestContext } from '../context.ts';
import type { Reply, ReplyHeaders } from '../exchange.ts';
import type { KindRegistry } from '../registry.ts';
import type { PathHandler } from '../route.ts';

/** What another server answers for, as far as documents go. */
export interface RemoteDocuments {
  /** Of its own index, by key. */
  v3: Readonly<Record<string, { serverRelativeURL: string }>>;
  v2(): Promise<RemoteV2 | undefined>;
}

export interface OpenApiOptions {
  /** Aggregated servers. */
  remote?(): readonly RemoteDocuments[];
}

interface Offer {
  encoding: Encoding;
  contentType: string;
}

/** In media types that are answered no `@` may be, though clients ask with it. */
const offersOf = (protobufType: string): Record<string, Offer> => {
  const answered = protobufType.replace('@', '.');
  const protobuf: Offer = { encoding: 'protobuf', contentType: answered };
  return { 'application/json': { encoding: 'json', contentType: 'application/json' }, [answered]: protobuf, [protobufType]: protobuf };
};

const offers = { v2: offersOf(protobufTypes.v2), v3: offersOf(protobufTypes.v3) };

/** What the client likes best of what there is. */
function choose(accept: string, from: Record<string, Offer>): Offer | undefined {
  const asked = (accept === '' ? '*/*' : accept).split(',').map((clause) => {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const quality = Number(parameters.find((part) => part.startsWith('q='))?.slice(2) ?? 1);
    return { type, quality };
  });
  for (const { type } of asked.toSorted((a, b) => b.quality - a.quality)) {
    const found = type === '*/*' || type === 'application/*' ? from['application/json'] : from[type];
    if (found) return found;
  }
  return undefined;
}

const notFound: Reply = { status: 404, headers: { 'cache-control': 'no-cache, private' } };

export function openapiPaths(registry: KindRegistry, options: OpenApiOptions = {}): PathHandler {
  let kinds: readonly OpenApiKind[] = [];
  let generation = -1;

  function current(): readonly OpenApiKind[] {
    if (generation !== registry.generation) {
      generation = registry.generation;
      kinds = Array.from(registry.all(), ({ definition, openapi }) => ({ definition, ...openapi }));
    }
    return kinds;
  }

  const remote = (): readonly RemoteDocuments[] => options.remote?.() ?? [];

  function headersOf({ now }: RequestContext, hash: string, immutable: boolean): ReplyHeaders {
    const headers: ReplyHeaders = { etag: `"${hash}"`, vary: 'Accept-Encoding, Accept', 'cache-control': 'no-cache, private' };
    if (!immutable) return headers;
    return { ...headers, 'cache-control': 'public, immutable', expires: new Date(now.getTime() + 365 * 24 * 60 * 60 * 1000).toUTCString() };
  }

  async function answer(context: RequestContext, document: OpenApiDocument, from: Record<string, Offer>, immutable = false): Promise<Reply> {
    const asked = context.exchange.headers;
    const offer = choose(asked['accept'] ?? '', from);
    const headers = headersOf(context, document.hash, immutable);
    if (!offer) return { status: 406, headers: { vary: 'Accept-Encoding, Accept', 'cache-control': 'no-cache, private' } };
    if (asked['if-none-match']?.includes(document.hash)) return { status: 304, headers };
    headers['content-type'] = offer.contentType;
    if (!asked['accept-encoding']?.includes('gzip')) return { status: 200, headers, body: await document.plain(offer.encoding) };
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: await document.compressed(offer.encoding) };
  }

  async function version2(context: RequestContext): Promise<Reply> {
    const others = await Promise.all(remote().map((one) => one.v2()));
    const known = others.filter((one) => one !== undefined);
    return answer(context, openapiV2(current(), known), offers.v2);
  }

  async function index(context: RequestContext): Promise<Reply> {
    const paths = Object.assign({}, ...remote().map(({ v3 }) => v3), openapiV3Paths(current()));
    const body = Buffer.from(JSON.stringify({ paths }));
    const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
    const headers = headersOf(context, hash, false);
    if (context.exchange.headers['if-none-match']?.includes(hash)) return { status: 304, headers };
    return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body };
  }

  async function version3(context: RequestContext, key: string): Promise<Reply> {
    const document = openapiV3(key, current());
    if (!document) return notFound;
    const asked = context.info.query.get('hash');
    if (asked !== null && asked !== document.hash) {
      return { status: 301, headers: { ...headersOf(context, document.hash, false), location: `${context.info.path}?hash=${document.hash}` } };
    }
    return answer(context, document, offers.v3, asked !== null);
  }

  return (context) => {
    const { path } = context.info;
    if (!path.startsWith('/openapi/')) return undefined;
    if (path === '/openapi/v2') return version2(context);
    if (path === '/openapi/v3' || path === '/openapi/v3/') return index(context);
    if (!path.startsWith('/openapi/v3/')) return undefined;
    const key = path.slice('/openapi/v3/'.length);
    // What others serve, they describe.
    return remote().some(({ v3 }) => v3[key]) ? undefined : version3(context, key);
  };
}
