/** `nodes/proxy`, `pods/proxy` and `services/proxy`: any request to what runs in the cluster, in the name of this server. */
import { nodes } from '../../../api/core/v1/node.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import { services } from '../../../api/core/v1/service.ts';
import type { Node, Pod, Service } from '../../../api/core/v1/types.gen.ts';
import { badRequest, internalError, notFound, StatusError } from '../../../apimachinery/errors.ts';
import type { Authorizer, ObjectReader } from '../../contracts.ts';
import type { Reply } from '../../exchange.ts';
import type { ResourceHandler, Target } from '../../verbs/target.ts';
import type { KubeletClientOptions } from '../pods/streaming.ts';
import { kubeletTls } from '../pods/streaming.ts';
import { admitConnect, authorizeUpgrade } from './connect.ts';
import type { Destination } from './forward.ts';
import { forward } from './forward.ts';
import { keepRedirectBehind, rewriteLinks } from './links.ts';
import { kubeletOf, splitProxyName } from './node.ts';
import { resolveService } from './service.ts';

/** The path up to the subresource, and what follows it with its query, both as they were written. A namespace may be called `proxy` too, so segments are counted. */
function splitPath({ context }: Target): { prefix: string; path: string } {
  const { url } = context.exchange;
  const before = context.info.namespace === '' ? 6 : 8;
  const mark = url.indexOf('?');
  const segments = (mark < 0 ? url : url.slice(0, mark)).split('/');
  return { prefix: segments.slice(0, before).join('/'), path: `/${segments.slice(before).join('/')}${mark < 0 ? '' : url.slice(mark)}` };
}

/** A browser that opens the root without a slash would resolve relative links against the wrong place. */
function redirect({ context }: Target): Reply | undefined {
  const { url, method } = context.exchange;
  const [path = '', query] = url.split('?', 2);
  if (!path.endsWith('/proxy') || (method !== 'GET' && method !== 'HEAD')) return undefined;
  return { status: 301, headers: { location: `${path}/${query === undefined ? '' : `?${query}`}` } };
}

export function proxyHandlers(reader: ObjectReader, authorize: Authorizer, client: KubeletClientOptions): ResourceHandler[] {
  const insecure = { rejectUnauthorized: false, servername: '' };

  async function toNode({ context }: Target): Promise<Omit<Destination, 'path'>> {
    const { scheme, name, port } = splitProxyName(context.info.name, 'node');
    const node = await reader.get<Node>(nodes, '', name);
    if (!node) throw notFound({ group: '', resource: 'nodes' }, name);
    const kubelet = kubeletOf(node);
    if (port === '' || Number(port) === kubelet.port) return { ...kubelet, tls: kubeletTls(client) };
    return { ...kubelet, port: Number(port), ...(scheme === 'https' ? { tls: insecure } : {}) };
  }

  async function toPod({ context }: Target): Promise<Omit<Destination, 'path'>> {
    const { scheme, name, port } = splitProxyName(context.info.name, 'pod');
    const pod = await reader.get<Pod>(pods, context.info.namespace, name);
    if (!pod) throw notFound({ group: '', resource: 'pods' }, name);
    const host = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP;
    if (!host) throw badRequest('address not allowed');
    const fallback = pod.spec.containers[0]?.ports?.[0]?.containerPort ?? (scheme === 'https' ? 443 : 80);
    const node = pod.spec.nodeName ? { node: pod.spec.nodeName } : {};
    return { host, port: port === '' ? fallback : Number(port), ...node, ...(scheme === 'https' ? { tls: insecure } : {}) };
  }

  async function toService({ context }: Target): Promise<Omit<Destination, 'path'>> {
    const { scheme, name, port } = splitProxyName(context.info.name, 'service');
    const service = await reader.get<Service>(services, context.info.namespace, name);
    if (!service) throw notFound({ group: '', resource: 'services' }, name);
    const target = await resolveService(reader, service, port);
    return { ...target, ...(scheme === 'https' ? { tls: insecure } : {}) };
  }

  async function serve(target: Target, kind: string, resolve: (target: Target) => Promise<Omit<Destination, 'path'>>): Promise<Reply> {
    const { context } = target;
    const moved = redirect(target);
    if (moved) return moved;
    await authorizeUpgrade(target, authorize);
    await admitConnect(target, { kind, apiVersion: 'v1', path: context.info.parts.join('/') });
    const to = await resolve(target);
    if (!Number.isInteger(to.port) || to.port <= 0) throw internalError(new StatusError(500, '', `invalid port ${to.port}`));
    const { prefix, path } = splitPath(target);
    const reply = await forward(client.dial, context.exchange, { ...to, path }, { headers: (headers) => keepRedirectBehind(prefix, headers) });
    return rewriteLinks(reply, prefix, to.host);
  }

  const of = { group: '', subresource: 'proxy', longRunning: true, anyMethod: true };
  return [
    { ...of, resource: nodes.plural, handle: (target) => serve(target, 'NodeProxyOptions', toNode) },
    { ...of, resource: pods.plural, handle: (target) => serve(target, 'PodProxyOptions', toPod) },
    { ...of, resource: services.plural, handle: (target) => serve(target, 'ServiceProxyOptions', toService) },
  ];
}
