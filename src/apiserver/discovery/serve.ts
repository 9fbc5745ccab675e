/** Answers `/api`, `/apis` and what lies under them down to a group version. */
import { createHash } from 'node:crypto';
import { wantsPretty } from '../answer/form.ts';
import { bodyReply } from '../answer/reply.ts';
import { encodeValue } from '../answer/represent.ts';
import type { RequestContext } from '../context.ts';
import type { Reply } from '../exchange.ts';
import type { MediaType } from '../negotiation/accept.ts';
import { negotiate } from '../negotiation/accept.ts';
import type { KindRegistry } from '../registry.ts';
import type { Documents, RemoteVersion } from './documents.ts';
import { discoveryDocuments } from './documents.ts';

export interface Discovery {
  /** Undefined when the path is none of discovery's. */
  serve(context: RequestContext): Promise<Reply> | undefined;
  /** True when some resource of this group version is served here. */
  knows(groupVersion: string): boolean;
  /** What other servers answer for; replaces what was set before. */
  setRemote(versions: readonly RemoteVersion[]): void;
  remote(): readonly RemoteVersion[];
  /** What a path handler here answers for, as long as no other server does. */
  addLocal(version: RemoteVersion): void;
}

export interface DiscoveryOptions {
  /** `host:port` as clients reach this server, for `/api`. */
  serverAddress(): string;
}

const isSame = (a: RemoteVersion, b: RemoteVersion): boolean => a.group === b.group && a.version === b.version;

export function createDiscovery(registry: KindRegistry, { serverAddress }: DiscoveryOptions): Discovery {
  let documents: Documents | undefined;
  let bodies = new Map<string, { body: Uint8Array; etag: string }>();
  let generation = -1;
  let remote: readonly RemoteVersion[] = [];
  const local: RemoteVersion[] = [];

  function current(): Documents {
    if (!documents || generation !== registry.generation) {
      generation = registry.generation;
      documents = discoveryDocuments(registry, [...remote, ...local.filter((own) => !remote.some((other) => isSame(own, other)))]);
      bodies = new Map();
    }
    return documents;
  }

  /** Groups are answered by a handler of their own upstream, and not by its router. */
  const mediaOf = (context: RequestContext, key: string): MediaType =>
    negotiate(context.exchange.headers['accept'], undefined, false, false, /^\/apis(?:\/[^/]+)?$/.test(key) ? 'none' : 'object');

  async function answer(context: RequestContext, key: string, value: object): Promise<Reply> {
    const media = mediaOf(context, key);
    return bodyReply(context, 200, media, cached(`${key} ${media.encoding}`, () => encodeValue(media, wantsPretty(context), value)).body);
  }

  function cached(key: string, make: () => Uint8Array): { body: Uint8Array; etag: string } {
    let found = bodies.get(key);
    if (!found) {
      const body = make();
      found = { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
      bodies.set(key, found);
    }
    return found;
  }

  /** Aggregated where the client asks for it, with an entity tag, else the plain document. */
  async function root(context: RequestContext, key: string, aggregated: object, plain: object): Promise<Reply> {
    const media = mediaOf(context, key);
    if (media.discovery === '') {
      const reply = await answer(context, key, plain);
      reply.headers['vary'] = 'Accept';
      return reply;
    }
    const apiVersion = `apidiscovery.k8s.io/${media.discovery}`;
    const value = { kind: 'APIGroupDiscoveryList', apiVersion, ...aggregated };
    const { body, etag } = cached(`${key} ${media.discovery} ${media.encoding}`, () => encodeValue(media, false, value));
    if (context.exchange.headers['if-none-match'] === etag) return { status: 304, headers: { etag, vary: 'Accept' } };
    const reply = await bodyReply(context, 200, media, body);
    const type = reply.headers['content-type'] as string;
    Object.assign(reply.headers, { etag, vary: 'Accept', 'content-type': `${type};g=apidiscovery.k8s.io;v=${media.discovery};as=APIGroupDiscoveryList` });
    return reply;
  }

  return {
    knows: (groupVersion) => current().resourceLists.has(groupVersion),
    setRemote(versions) {
      remote = versions;
      documents = undefined;
    },
    remote: () => remote,
    addLocal(version) {
      local.push(version);
      documents = undefined;
    },
    serve(context) {
      const { path } = context.info;
      if (!path.startsWith('/api')) return undefined;
      const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
      const state = current();
      if (trimmed === '/api') {
        const addresses = [{ clientCIDR: '0.0.0.0/0', serverAddress: serverAddress() }];
        return root(context, '/api', state.aggregatedCore, { ...state.coreVersions, serverAddressByClientCIDRs: addresses });
      }
      if (trimmed === '/apis') return root(context, '/apis', state.aggregatedGroups, state.groupList);
      const [, prefix, first = '', second] = trimmed.split('/');
      let value: object | undefined;
      if (prefix === 'api' && second === undefined) value = state.resourceLists.get(first);
      else if (prefix === 'apis' && second === undefined) {
        const group = state.groups.get(first);
        value = group && { kind: 'APIGroup', apiVersion: 'v1', ...group };
      } else if (prefix === 'apis' && trimmed.split('/').length === 4) value = state.resourceLists.get(`${first}/${second}`);
      return value && answer(context, trimmed, value);
    },
  };
}
