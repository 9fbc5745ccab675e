/** The subsets of an Endpoints object: addresses that offer the same ports stand together. Pure. */
import { isPodReady } from '../../api/core/v1/pod/helpers.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from '../../api/core/v1/types.gen.ts';
import { isIPv6 } from '../../apimachinery/ip.ts';
import { addressesOf, hasEndpoint, hostnameFor, targetPortOf } from '../common/servicepods.ts';

/** More addresses than that don't go into one object. */
const capacity = 1000;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const portText = ({ name = '', port, protocol = 'TCP' }: EndpointPort): string => `${name} ${protocol} ${port}`;
const byAddress = (a: EndpointAddress, b: EndpointAddress): number => compare(a.ip, b.ip) || compare(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '');

function addressOf(service: Service, pod: Pod): EndpointAddress | undefined {
  const family = service.spec.ipFamilies?.[0];
  const wantsV6 = family ? family === 'IPv6' : isIPv6(service.spec.clusterIP ?? '');
  const all = addressesOf(pod);
  const ip = family || (service.spec.clusterIP && service.spec.clusterIP !== 'None') ? all.find((one) => isIPv6(one) === wantsV6) : all[0];
  if (!ip) return undefined;
  const hostname = hostnameFor(pod, service);
  return {
    ip,
    ...(hostname ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  };
}

export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const { ports: servicePorts = [], clusterIP, publishNotReadyAddresses = false } = service.spec;
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of pods) {
    if (!hasEndpoint(pod, publishNotReadyAddresses)) continue;
    const address = addressOf(service, pod);
    if (!address) continue;
    const ports = servicePorts.flatMap((servicePort): EndpointPort[] => {
      const port = targetPortOf(pod, servicePort);
      const { name, protocol = 'TCP', appProtocol } = servicePort;
      return port === undefined ? [] : [{ ...(name ? { name } : {}), port, protocol, ...(appProtocol ? { appProtocol } : {}) }];
    });
    // A headless service need not have ports; any other without them has nothing to publish.
    if (ports.length === 0 && !(servicePorts.length === 0 && clusterIP === 'None')) continue;
    const sorted = ports.sort((a, b) => compare(portText(a), portText(b)));
    const id = sorted.map(portText).join();
    const group = groups.get(id) ?? { ports: sorted, ready: [], notReady: [] };
    groups.set(id, group);
    (publishNotReadyAddresses || isPodReady(pod) ? group.ready : group.notReady).push(address);
  }
  return [...groups]
    .sort(([a], [b]) => compare(a, b))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length > 0 ? { addresses: ready.sort(byAddress) } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady.sort(byAddress) } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    }));
}

/** Cuts down to what one object holds, ready addresses first. */
export function truncate(subsets: EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const count = subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length, 0);
  if (count <= capacity) return { subsets, truncated: false };
  let left = capacity;
  const take = (list: EndpointAddress[] | undefined): EndpointAddress[] => {
    const taken = (list ?? []).slice(0, left);
    left -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses }) => take(addresses));
  const notReady = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses));
  const cut = subsets.map((subset, i) => ({ ports: subset.ports, addresses: ready[i]!, notReadyAddresses: notReady[i]! }));
  return { subsets: cut.filter(({ addresses, notReadyAddresses }) => addresses.length + notReadyAddresses.length > 0), truncated: true };
}
