/** The aggregation layer: group versions that other servers answer for, as APIService objects say. */
import { apiservices } from '../../api/apiregistration/v1/apiservice.ts';
import type { APIService } from '../../api/apiregistration/v1/types.gen.ts';
import type { UserInfo } from '../../api/kind.ts';
import { serviceUnavailable } from '../../apimachinery/errors.ts';
import type { RequestContext } from '../context.ts';
import type { ServerCore } from '../core.ts';
import type { Reply } from '../exchange.ts';
import type { Dial } from '../resources/proxy/dial.ts';
import type { Destination } from '../resources/proxy/forward.ts';
import { forward } from '../resources/proxy/forward.ts';
import { resolveServiceName } from '../resources/proxy/service.ts';
import type { PathHandler } from '../route.ts';

export interface AggregatorOptions {
  dial: Dial;
  /** PEM: how this server proves to others that it may say who a request is from. */
  proxyClient?: { cert: string | Buffer; key: string | Buffer };
}

/** Their API, and its description. */
const pathPattern = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)(?:\/|$)/;

export const isAvailable = ({ status }: APIService): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Available' && value === 'True') ?? false;

/** Where the server of an APIService is; `path` with its query. Fails when no endpoint of its service is ready. */
export async function destinationOf(core: ServerCore, { proxyClient }: AggregatorOptions, { spec }: APIService, path: string): Promise<Destination> {
  const { name = '', namespace = '', port = 443 } = spec?.service ?? {};
  const target = await resolveServiceName(core.reader, namespace, name, port);
  const ca = spec?.caBundle ? { ca: Buffer.from(spec.caBundle, 'base64') } : {};
  return { ...target, path, tls: { ...ca, ...proxyClient, servername: `${name}.${namespace}.svc`, rejectUnauthorized: spec?.insecureSkipTLSVerify !== true } };
}

/** Who the request is from, as the other server reads it when it trusts this server's certificate. */
export function identityHeaders({ username, uid, groups, extra = {} }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'X-Remote-User': username };
  if (groups.length > 0) headers['X-Remote-Group'] = groups;
  if (uid) headers['X-Remote-Uid'] = uid;
  for (const [name, values] of Object.entries(extra)) headers[`X-Remote-Extra-${encodeURIComponent(name)}`] = values;
  return headers;
}

/** Hands requests of such group versions on. */
export function aggregatedPaths(core: ServerCore, options: AggregatorOptions): PathHandler {
  const { cache } = core.registry.of(apiservices).stored;

  async function serve(context: RequestContext, service: APIService): Promise<Reply> {
    if (!isAvailable(service)) throw serviceUnavailable('service unavailable');
    const to = await destinationOf(core, options, service, context.exchange.url);
    return forward(options.dial, context.exchange, to, { identity: identityHeaders(context.user) });
  }

  return (context) => {
    const [, group = '', version = ''] = pathPattern.exec(context.info.path) ?? [];
    if (group === '') return undefined;
    const entry = cache.entries.get(`${cache.prefix}${version}.${group}`);
    const service = entry && (core.cacher.decoded.of(entry) as unknown as APIService);
    return service?.spec?.service ? serve(context, service) : undefined;
  };
}
