/** Who may use the kubelet's server: client certificates of the cluster, or tokens, and the API server's word on what they may do. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { TokenReview } from '../../api/authentication/v1/types.gen.ts';
import type { SubjectAccessReview } from '../../api/authorization/v1/types.gen.ts';
import { type KubeletContext, messageOf } from '../context.ts';

export interface Caller {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
}

export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const allowedMs = 300_000;
const deniedMs = 30_000;
const tokenMs = 120_000;
const maxRemembered = 1000;

function remember<V>(): { get(key: string): V | undefined; set(key: string, value: V, milliseconds: number): void } {
  const entries = new Map<string, { value: V; until: number }>();
  return {
    get: (key) => {
      const entry = entries.get(key);
      return entry && entry.until > Date.now() ? entry.value : undefined;
    },
    set: (key, value, milliseconds) => {
      if (entries.size >= maxRemembered) entries.clear();
      entries.set(key, { value, until: Date.now() + milliseconds });
    },
  };
}

const below = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/** Subresources of the node of which one has to be allowed. */
export function subresourcesOf(path: string): string[] {
  const fine =
    below(path, '/pods') || below(path, '/runningpods') ? ['pods'] : below(path, '/healthz') ? ['healthz'] : below(path, '/configz') ? ['configz'] : [];
  if (below(path, '/stats')) return [...fine, 'stats'];
  if (below(path, '/metrics')) return [...fine, 'metrics'];
  if (below(path, '/logs')) return [...fine, 'log'];
  if (below(path, '/checkpoint')) return [...fine, 'checkpoint'];
  return [...fine, 'proxy'];
}

const verbs: Record<string, string> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** Throws {@link Refused}. */
export function createGate({ options, client, log }: KubeletContext): (request: IncomingMessage, path: string) => Promise<void> {
  const tokens = remember<Caller | null>();
  const decisions = remember<boolean>();

  function byCertificate(request: IncomingMessage): Caller | undefined {
    // Without a CA of the cluster Node would take the machine's trust store, which is no word on who is who here.
    if (!options.server.clientCa) return undefined;
    const socket = request.socket as TLSSocket;
    if (!socket.authorized) return undefined;
    const { CN = '', O = [] } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string; O?: string | string[] };
    return CN ? { username: CN, groups: [...(Array.isArray(O) ? O : [O]), 'system:authenticated'] } : undefined;
  }

  async function byToken(request: IncomingMessage): Promise<Caller | undefined> {
    const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token) return undefined;
    let caller = tokens.get(token);
    if (caller === undefined) {
      const review = (await client.raw('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: { name: '' },
        spec: { token },
      })) as TokenReview;
      const user = review.status?.user;
      caller =
        review.status?.authenticated && user
          ? {
              username: user.username ?? '',
              groups: user.groups ?? [],
              ...(user.uid ? { uid: user.uid } : {}),
              ...(user.extra ? { extra: user.extra as Record<string, string[]> } : {}),
            }
          : null;
      tokens.set(token, caller, tokenMs);
    }
    return caller ?? undefined;
  }

  async function allowed(caller: Caller, verb: string, subresource: string): Promise<boolean> {
    if (caller.groups.includes('system:masters')) return true;
    const key = JSON.stringify([caller, verb, subresource]);
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const spec = {
      user: caller.username,
      groups: caller.groups,
      ...(caller.uid ? { uid: caller.uid } : {}),
      ...(caller.extra ? { extra: caller.extra } : {}),
      resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: options.nodeName },
    };
    const review = (await client.raw('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec,
    })) as SubjectAccessReview;
    const decision = review.status?.allowed ?? false;
    decisions.set(key, decision, decision ? allowedMs : deniedMs);
    return decision;
  }

  return async (request, path) => {
    if (options.server.insecureAllowAll) return;
    const caller =
      byCertificate(request) ??
      (await byToken(request).catch((error: unknown) => {
        log.warn({ err: messageOf(error) }, 'a token could not be reviewed');
        return undefined;
      }));
    if (!caller) throw new Refused(401, 'Unauthorized');
    const verb = verbs[request.method ?? ''] ?? '';
    const subresources = subresourcesOf(path);
    for (const subresource of subresources) {
      try {
        if (await allowed(caller, verb, subresource)) return;
      } catch (error) {
        throw new Refused(
          500,
          `Authorization error (user=${caller.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]): ${messageOf(error)}`,
        );
      }
    }
    throw new Refused(403, `Forbidden (user=${caller.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`);
  };
}
