/** Which EndpointSlices a service should have, as changes to those that it has. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isPodReady, isPodTerminating } from '../../api/core/v1/pod/helpers.ts';
import type { Node, Pod, Service } from '../../api/core/v1/types.gen.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/discovery/v1/types.gen.ts';
import { isIPv6 } from '../../apimachinery/ip.ts';
import { addressesOf, hasEndpoint, headlessLabel, hostnameFor, isHeadless, targetPortOf } from '../common/servicepods.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const managerName = 'endpointslice-controller.k8s.io';
const maxEndpoints = 100;

export interface Plan {
  create: EndpointSlice[];
  update: EndpointSlice[];
  remove: EndpointSlice[];
  /** Pods whose node is not known (yet): they are left out for now. */
  waitingForNode: Pod[];
}

export interface PlanInput {
  service: Service;
  pods: readonly Pod[];
  /** Those of this controller. */
  existing: readonly EndpointSlice[];
  node(name: string): Node | undefined;
}

interface Group {
  ports: EndpointPort[];
  endpoints: Map<string, Endpoint>;
}

const identityOf = ({ addresses, targetRef }: Endpoint): string => `${addresses.join()} ${targetRef?.uid ?? ''}`;

/** Ports in one order, with what the server would default: equal sets of ports give equal text. */
const portsId = (ports: readonly EndpointPort[] | undefined): string =>
  JSON.stringify((ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => [name, protocol, port, appProtocol ?? '']).sort());

export function planSlices(input: PlanInput): Plan {
  const plan: Plan = { create: [], update: [], remove: [], waitingForNode: [] };
  const types = addressTypesOf(input.service);
  plan.remove.push(...input.existing.filter((slice) => !types.includes(slice.addressType)));
  for (const type of types) planForType(input, type, plan);
  plan.waitingForNode = [...new Set(plan.waitingForNode)];
  return plan;
}

function addressTypesOf({ spec }: Service): string[] {
  if (spec.ipFamilies?.length) return spec.ipFamilies;
  if (spec.clusterIP && spec.clusterIP !== 'None') return [isIPv6(spec.clusterIP) ? 'IPv6' : 'IPv4'];
  return ['IPv4', 'IPv6'];
}

function planForType({ service, pods, existing, node }: PlanInput, addressType: string, plan: Plan): void {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!hasEndpoint(pod, true)) continue;
    const ports = portsOf(service, pod);
    const id = portsId(ports);
    const group = groups.get(id) ?? { ports, endpoints: new Map<string, Endpoint>() };
    groups.set(id, group);
    const home = node(pod.spec.nodeName ?? '');
    if (!home && !service.spec.publishNotReadyAddresses) {
      plan.waitingForNode.push(pod);
      continue;
    }
    const endpoint = endpointOf(service, pod, home, addressType);
    if (endpoint.addresses.length > 0) group.endpoints.set(identityOf(endpoint), endpoint);
  }

  const mine = existing.filter((slice) => slice.addressType === addressType);
  const removed: EndpointSlice[] = mine.filter((slice) => !isOwned(slice, service));
  const kept = Map.groupBy(
    mine.filter((slice) => isOwned(slice, service)),
    ({ ports }) => portsId(ports),
  );
  const create: EndpointSlice[] = [];
  for (const [id, group] of groups) {
    const changes = fill(service, addressType, group, kept.get(id) ?? []);
    kept.delete(id);
    create.push(...changes.create);
    removed.push(...changes.remove);
    plan.update.push(...changes.update);
  }
  for (const stale of kept.values()) removed.push(...stale);

  // A service that selects nothing has an empty slice, so that clients can tell it from one nobody has looked at.
  if (removed.length === mine.length && create.length === 0) {
    const placeholder = newSlice(service, addressType, []);
    const same = removed.length === 1 ? removed[0]! : undefined;
    if (
      same &&
      isOwned(same, service) &&
      !same.ports?.length &&
      !same.endpoints?.length &&
      isDeepStrictEqual(same.metadata.labels, placeholder.metadata.labels)
    ) {
      removed.pop();
    } else create.push(placeholder);
  }
  plan.create.push(...create);
  plan.remove.push(...removed);
}

/** Puts endpoints where they are already, then into what is written anyway, then into the fullest slice with room, then into new ones. */
function fill(service: Service, addressType: string, { ports, endpoints }: Group, slices: readonly EndpointSlice[]): Omit<Plan, 'waitingForNode'> {
  const changes = { create: [] as EndpointSlice[], update: [] as EndpointSlice[], remove: [] as EndpointSlice[] };
  const missing = new Map(endpoints);
  const labels = labelsOf(service);
  const clean: EndpointSlice[] = [];
  const dirty: EndpointSlice[] = [];
  for (const slice of slices) {
    const current = slice.endpoints ?? [];
    const wanted = current.flatMap((endpoint) => {
      const id = identityOf(endpoint);
      const desired = missing.get(id);
      missing.delete(id);
      return desired ? [desired] : [];
    });
    const unchanged =
      isDeepStrictEqual(slice.metadata.labels, labels) && wanted.length === current.length && wanted.every((one, i) => sameEndpoint(one, current[i]!));
    if (wanted.length === 0 && current.length > 0) dirty.push({ ...slice, endpoints: [] });
    else if (unchanged) clean.push(slice);
    else dirty.push({ ...slice, endpoints: wanted });
  }
  const rest = [...missing.values()];
  for (const slice of dirty.sort((a, b) => b.endpoints!.length - a.endpoints!.length))
    slice.endpoints!.push(...rest.splice(0, maxEndpoints - slice.endpoints!.length));
  while (rest.length >= maxEndpoints) changes.create.push(newSlice(service, addressType, ports, rest.splice(0, maxEndpoints)));
  if (rest.length > 0) {
    const roomy = clean
      .filter((slice) => (slice.endpoints?.length ?? 0) + rest.length <= maxEndpoints)
      .sort((a, b) => (b.endpoints?.length ?? 0) - (a.endpoints?.length ?? 0))[0];
    if (roomy) dirty.push({ ...roomy, endpoints: [...(roomy.endpoints ?? []), ...rest] });
    else changes.create.push(newSlice(service, addressType, ports, rest));
  }
  for (const slice of dirty) {
    if (slice.endpoints!.length === 0) changes.remove.push(slice);
    else changes.update.push({ ...slice, metadata: { ...slice.metadata, labels } });
  }
  for (const slice of clean) if (!slice.endpoints?.length && (endpoints.size > 0 || ports.length > 0)) changes.remove.push(slice);
  return changes;
}

/** Where the server fills in nothing, absent and empty mean the same. */
const sameEndpoint = (a: Endpoint, b: Endpoint): boolean => isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));

const isOwned = ({ metadata }: EndpointSlice, { metadata: service }: Service): boolean =>
  (metadata.ownerReferences ?? []).some(({ uid, kind, apiVersion }) => uid === service.uid && kind === 'Service' && apiVersion === 'v1');

function portsOf({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return port === undefined ? [] : [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function endpointOf(service: Service, pod: Pod, node: Node | undefined, addressType: string): Endpoint {
  const { trafficDistribution, publishNotReadyAddresses = false } = service.spec;
  const serving = isPodReady(pod);
  const terminating = isPodTerminating(pod);
  // A pod that ends is not ready, whatever its probes say; only who asks for all addresses gets it as ready.
  const ready = publishNotReadyAddresses || (serving && !terminating);
  const nodeName = pod.spec.nodeName || undefined;
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'] || undefined;
  const hostname = hostnameFor(pod, service);
  const close = trafficDistribution === 'PreferClose' || trafficDistribution === 'PreferSameZone' || trafficDistribution === 'PreferSameNode';
  const hints = {
    ...(zone ? { forZones: [{ name: zone }] } : {}),
    ...(trafficDistribution === 'PreferSameNode' && nodeName ? { forNodes: [{ name: nodeName }] } : {}),
  };
  return {
    addresses: addressesOf(pod).filter((address) => isIPv6(address) === (addressType === 'IPv6')),
    conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hostname ? { hostname } : {}),
    ...(close && ready && Object.keys(hints).length > 0 ? { hints } : {}),
  };
}

function labelsOf(service: Service): Record<string, string> {
  const { [headlessLabel]: _headless, ...labels } = service.metadata.labels ?? {};
  return { ...labels, ...(isHeadless(service) ? { [headlessLabel]: '' } : {}), [serviceNameLabel]: service.metadata.name, [managedByLabel]: managerName };
}

const newSlice = (service: Service, addressType: string, ports: EndpointPort[], endpoints: Endpoint[] = []): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: '',
    generateName: `${service.metadata.name}-`,
    namespace: service.metadata.namespace,
    labels: labelsOf(service),
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Service', name: service.metadata.name, uid: service.metadata.uid ?? '', controller: true, blockOwnerDeletion: true },
    ],
  },
  addressType,
  endpoints,
  ports,
});
