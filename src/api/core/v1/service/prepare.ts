/** What a client may leave out of a service, and what goes away when its type changes. Source of the rule: upstream's service registry. */
import { deepEqual } from '../../../../apimachinery/equality.ts';
import type { Service, ServiceSpec } from '../types.gen.ts';
import { isExternallyAccessible, needsClusterIp, needsHealthCheckNodePort, needsNodePort } from './rules.ts';

const sameList = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean => deepEqual(a ?? [], b ?? []);

export function prepareServiceForCreate(service: Service): void {
  service.status = { loadBalancer: {} };
  const { spec } = service;
  dropInternalTrafficPolicy(spec);
  if (spec?.clusterIP && (spec.clusterIPs?.length ?? 0) === 0) spec.clusterIPs = [spec.clusterIP];
}

/** Nothing within the cluster is behind a mere name. */
function dropInternalTrafficPolicy(spec: ServiceSpec | undefined): void {
  if (spec?.type === 'ExternalName') delete spec.internalTrafficPolicy;
}

/** Clients that know only `clusterIP` change it; `clusterIPs` follows. */
function syncClusterIps(spec: ServiceSpec, old: ServiceSpec): void {
  const before = old.clusterIP ?? '';
  const after = spec.clusterIP ?? '';
  if ((old.clusterIPs?.length ?? 0) > 0 && (spec.clusterIPs?.length ?? 0) === 0 && before === after) spec.clusterIPs = old.clusterIPs!;
  if (before === after || !sameList(spec.clusterIPs, old.clusterIPs)) return;
  if (after === '') delete spec.clusterIPs;
  else spec.clusterIPs = [after];
}

function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const portsOf = (of: ServiceSpec): Set<number> => new Set((of.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])));
  const before = portsOf(old);
  const stillUsed = new Set([...portsOf(spec)].filter((port) => before.has(port)));
  const byName = new Map((old.ports ?? []).map(({ name, nodePort }) => [name ?? '', nodePort]));
  for (const port of spec.ports ?? []) {
    const known = byName.get(port.name ?? '');
    if (!port.nodePort && known && !stillUsed.has(known)) port.nodePort = known;
  }
}

/** The same manifest, sent again, keeps what was allocated the first time. */
function keepAllocated(service: Service, old: Service, spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(old) && needsClusterIp(service)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if ((spec.clusterIPs?.length ?? 0) === 0 && (before.clusterIPs?.length ?? 0) > 0) spec.clusterIPs = before.clusterIPs!;
  }
  if (needsNodePort(old) && needsNodePort(service)) keepNodePorts(spec, before);
  if (needsHealthCheckNodePort(old) && needsHealthCheckNodePort(service) && !spec.healthCheckNodePort && before.healthCheckNodePort) {
    spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

function dropClusterIps(spec: ServiceSpec, old: ServiceSpec): void {
  if ((spec.clusterIP ?? '') === (old.clusterIP ?? '') && sameList(spec.clusterIPs, old.clusterIPs)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  if (sameList(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies;
  if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
}

/** What the old type had and the new one may not have is dropped, if the client just left it as it was. */
function dropTypeDependentFields(service: Service, old: Service, spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(old) && !needsClusterIp(service)) dropClusterIps(spec, before);
  if (needsNodePort(old) && !needsNodePort(service)) {
    const known = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
    const own = (spec.ports ?? []).filter(({ nodePort }) => nodePort);
    if (own.every(({ nodePort }) => known.has(nodePort))) for (const port of own) delete port.nodePort;
  }
  if (needsHealthCheckNodePort(old) && !needsHealthCheckNodePort(service) && (spec.healthCheckNodePort ?? 0) === (before.healthCheckNodePort ?? 0)) {
    delete spec.healthCheckNodePort;
  }
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(service) && spec.externalTrafficPolicy === before.externalTrafficPolicy) {
    delete spec.externalTrafficPolicy;
  }
  if (spec.type !== 'LoadBalancer' && service.status?.loadBalancer?.ingress) service.status = { ...service.status, loadBalancer: {} };
}

export function prepareServiceForUpdate(service: Service, old: Service): void {
  service.spec ??= {};
  const { spec } = service;
  const before = old.spec ?? {};
  dropInternalTrafficPolicy(spec);
  keepAllocated(service, old, spec, before);
  syncClusterIps(spec, before);
  dropTypeDependentFields(service, old, spec, before);
}

export function prepareServiceStatusForUpdate(service: Service, old: Service): void {
  if (old.spec) service.spec = old.spec;
}
