/**
 * The rules of one service, as data: elements of the table's shared maps, and chains of its own. A pure function.
 * A connection goes from a shared map (keyed by address, protocol and port) to the service's chain, which picks an endpoint by random number.
 */
import { createHash } from 'node:crypto';
import type { Service, ServicePort } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import { chooseEndpoints, type Endpoint, endpointsOf, familyOf, type IpFamily, type NodePlace } from './endpoints.ts';

/** The shared maps and sets of the table. */
export type SharedSet = 'service-ips' | 'service-nodeports' | 'refused-ips' | 'refused-nodeports' | 'firewalled-ips' | 'hairpin' | 'cluster-ips';

export interface Fragment {
  /** `<set> <element>`, the element as nft writes it, key and verdict. */
  elements: ReadonlyMap<string, { set: SharedSet; key: string; verdict?: string }>;
  /** Rules by name of the chain. */
  chains: ReadonlyMap<string, readonly string[]>;
  /** Sets with timeouts, for session affinity: name → seconds. */
  affinitySets: ReadonlyMap<string, number>;
  /** Where UDP services are reached, whose connections the kernel remembers (see `conntrack.ts`). */
  udp: readonly UdpEntry[];
}

export interface UdpEntry {
  /** The service's; for a node port it tells the family alone. */
  address: string;
  port: number;
  onNodes?: true;
  /** All that packets may have been sent to, by whatever policy. */
  endpoints: readonly Pick<Endpoint, 'ip' | 'port'>[];
}

export interface ProxyContext {
  node: NodePlace;
  family: IpFamily;
  /** Pods of the whole cluster; sources outside are masqueraded on their way to a cluster IP. */
  clusterCidr: string | undefined;
}

export const emptyFragment: Fragment = { elements: new Map(), chains: new Map(), affinitySets: new Map(), udp: [] };

interface Builder {
  elements: Map<string, { set: SharedSet; key: string; verdict?: string }>;
  chains: Map<string, string[]>;
  affinitySets: Map<string, number>;
  udp: UdpEntry[];
}

/** Nothing for headless services, ExternalName, and those that another proxy takes care of. */
export function fragmentOf(service: Service, slices: readonly EndpointSlice[], context: ProxyContext): Fragment {
  const { spec, metadata } = service;
  const clusterIps = (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => ip !== 'None' && ip !== '');
  const clusterIp = clusterIps.find((ip) => familyOf(ip) === context.family);
  if (spec.type === 'ExternalName' || clusterIp === undefined || metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined)
    return emptyFragment;
  const into: Builder = { elements: new Map(), chains: new Map(), affinitySets: new Map(), udp: [] };
  put(into, 'cluster-ips', clusterIp);
  for (const port of spec.ports ?? []) addPort(into, service, port, clusterIp, slices, context);
  return into;
}

function put(into: Builder, set: SharedSet, key: string, verdict?: string): void {
  into.elements.set(`${set} ${key}`, { set, key, ...(verdict ? { verdict } : {}) });
}

function addPort(into: Builder, service: Service, port: ServicePort, clusterIp: string, slices: readonly EndpointSlice[], context: ProxyContext): void {
  const { spec, metadata } = service;
  const { node, family } = context;
  const protocol = (port.protocol ?? 'TCP').toLowerCase();
  const endpoints = endpointsOf(slices, port.name ?? '', port.protocol ?? 'TCP', family, node);
  const choice = chooseEndpoints(endpoints, service, node);
  const name = createHash('sha256')
    .update(`${metadata.namespace}/${metadata.name}/${port.name ?? ''}/${protocol}`)
    .digest('hex')
    .slice(0, 10);
  const chainFor = chainMaker(into, service, `${name}-${metadata.namespace}-${metadata.name}`.slice(0, 60), protocol, context);
  const ipKey = (ip: string): string => `${ip} . ${protocol} . ${port.port}`;

  const internal = spec.internalTrafficPolicy === 'Local' ? choice.local : choice.cluster;
  if (internal.length > 0) put(into, 'service-ips', ipKey(clusterIp), `goto ${chainFor(internal, 'internal')}`);
  else put(into, 'refused-ips', ipKey(clusterIp), choice.none ? 'goto refuse' : 'drop');

  const localOnly = spec.externalTrafficPolicy === 'Local';
  const external = localOnly ? choice.local : choice.cluster;
  const loadBalancerIps = (service.status?.loadBalancer?.ingress ?? []).filter((one) => (one.ipMode ?? 'VIP') === 'VIP').map((one) => one.ip ?? '');
  const ranges = (spec.loadBalancerSourceRanges ?? []).filter((range) => familyOf(range) === family);
  const addresses = [...(spec.externalIPs ?? []), ...(spec.type === 'LoadBalancer' ? loadBalancerIps : [])].filter((ip) => ip && familyOf(ip) === family);
  for (const address of addresses) {
    if (external.length > 0) put(into, 'service-ips', ipKey(address), `goto ${chainFor(external, localOnly ? 'local' : 'external', choice.cluster)}`);
    else put(into, 'refused-ips', ipKey(address), choice.none ? 'goto refuse' : 'drop');
    if (ranges.length > 0 && loadBalancerIps.includes(address)) put(into, 'firewalled-ips', ipKey(address), `goto ${firewall(into, name, ranges, family)}`);
  }
  if (port.nodePort && (spec.type === 'NodePort' || spec.type === 'LoadBalancer')) {
    const key = `${protocol} . ${port.nodePort}`;
    if (external.length > 0) put(into, 'service-nodeports', key, `goto ${chainFor(external, localOnly ? 'local' : 'external', choice.cluster)}`);
    else put(into, 'refused-nodeports', key, choice.none ? 'goto refuse' : 'drop');
  }
  if (protocol === 'udp') {
    // Pods and the node itself may use any endpoint even where the policy is `Local`.
    const outside = localOnly ? [...external, ...choice.cluster] : external;
    into.udp.push({ address: clusterIp, port: port.port, endpoints: internal });
    for (const address of addresses) into.udp.push({ address, port: port.port, endpoints: outside });
    if (port.nodePort) into.udp.push({ address: clusterIp, port: port.nodePort, onNodes: true, endpoints: outside });
  }
}

type ChainKind = 'internal' | 'external' | 'local';

/** Makes each chain of a service port once, whoever asks for it. */
function chainMaker(into: Builder, service: Service, name: string, protocol: string, context: ProxyContext) {
  const ip = context.family === 'IPv4' ? 'ip' : 'ip6';
  const affinity = service.spec.sessionAffinity === 'ClientIP' ? (service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0;

  return (endpoints: readonly Endpoint[], kind: ChainKind, everywhere: readonly Endpoint[] = []): string => {
    const chain = `${kind}-${name}`;
    if (into.chains.has(chain)) return chain;
    const rules: string[] = [];
    into.chains.set(chain, rules);
    for (const endpoint of endpoints) if (endpoint.local) put(into, 'hairpin', `${endpoint.ip} . ${endpoint.ip}`);
    if (kind === 'internal' && context.clusterCidr) rules.push(`${ip} saddr != ${context.clusterCidr} jump mark-for-masquerade`);
    if (kind === 'external') rules.push('jump mark-for-masquerade');
    if (kind === 'local') {
      // Pods and this node itself may use any endpoint: the policy is about traffic from outside.
      const inside = everywhere.length > 0 ? chainEverywhere(into, name, everywhere, protocol, ip) : undefined;
      if (inside && context.clusterCidr) rules.push(`${ip} saddr ${context.clusterCidr} goto ${inside}`);
      if (inside) rules.push(`fib saddr type local jump mark-for-masquerade`, `fib saddr type local goto ${inside}`);
    }
    rules.push(...(affinity > 0 ? sticky(into, chain, endpoints, protocol, ip, affinity) : [pick(endpoints, protocol, ip)]));
    return chain;
  };
}

function chainEverywhere(into: Builder, name: string, endpoints: readonly Endpoint[], protocol: string, ip: string): string {
  const chain = `anywhere-${name}`;
  into.chains.set(chain, [pick(endpoints, protocol, ip)]);
  return chain;
}

const target = (endpoint: Endpoint): string => `${endpoint.ip} . ${endpoint.port}`;

/** One rule: every endpoint with the same chance. */
function pick(endpoints: readonly Endpoint[], protocol: string, ip: string): string {
  const map = endpoints.map((endpoint, index) => `${index} : ${target(endpoint)}`).join(', ');
  return `meta l4proto ${protocol} dnat ${ip} addr . port to numgen random mod ${endpoints.length} map { ${map} }`;
}

/** Session affinity: an endpoint remembers its clients for a while after their last new connection. */
function sticky(into: Builder, chain: string, endpoints: readonly Endpoint[], protocol: string, ip: string, seconds: number): string[] {
  const chains = endpoints.map((endpoint) => {
    const suffix = createHash('sha256').update(target(endpoint)).digest('hex').slice(0, 8);
    const name = `endpoint-${chain.slice(0, 40)}-${suffix}`;
    const set = `clients-${chain.slice(0, 40)}-${suffix}`;
    into.affinitySets.set(set, seconds);
    const address = ip === 'ip' ? endpoint.ip : `[${endpoint.ip}]`;
    into.chains.set(name, [`update @${set} { ${ip} saddr }`, `meta l4proto ${protocol} dnat to ${address}:${endpoint.port}`]);
    return { name, set };
  });
  const map = chains.map(({ name }, index) => `${index} : goto ${name}`).join(', ');
  return [...chains.map(({ name, set }) => `${ip} saddr @${set} goto ${name}`), `numgen random mod ${chains.length} vmap { ${map} }`];
}

function firewall(into: Builder, name: string, ranges: readonly string[], family: IpFamily): string {
  const chain = `firewall-${name}`;
  into.chains.set(chain, [`${family === 'IPv4' ? 'ip' : 'ip6'} saddr != { ${ranges.join(', ')} } drop`]);
  return chain;
}
