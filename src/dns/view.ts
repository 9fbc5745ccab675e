/** What cluster DNS looks up, as indexes over informers. */
import { namespaces } from '../api/core/v1/namespace.ts';
import { services } from '../api/core/v1/service.ts';
import type { Service } from '../api/core/v1/types.gen.ts';
import { endpointslices } from '../api/discovery/v1/endpointslice.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import type { InformerFactory } from '../client/informer.ts';

const serviceLabel = 'kubernetes.io/service-name';

export interface ClusterView {
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  hasNamespace(name: string): boolean;
  servicesWithIp(ip: string): readonly Service[];
  slicesWithIp(ip: string): readonly EndpointSlice[];
  /** Everything has been listed once. */
  readonly synced: Promise<unknown>;
}

export const clusterIpsOf = ({ spec }: Service): string[] =>
  (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => ip !== '' && ip !== 'None');

export function createClusterView(informers: InformerFactory): ClusterView {
  const byService = informers.informer(services);
  const bySlice = informers.informer(endpointslices);
  const byNamespace = informers.informer(namespaces);
  byService.addIndex('dns-ip', clusterIpsOf);
  bySlice.addIndex('dns-service', (slice) => [`${slice.metadata.namespace}/${slice.metadata.labels?.[serviceLabel] ?? ''}`]);
  bySlice.addIndex('dns-ip', (slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
  return {
    service: (namespace, name) => byService.get(namespace, name),
    slices: (namespace, service) => bySlice.byIndex('dns-service', `${namespace}/${service}`),
    hasNamespace: (name) => byNamespace.get('', name) !== undefined,
    servicesWithIp: (ip) => byService.byIndex('dns-ip', ip),
    slicesWithIp: (ip) => bySlice.byIndex('dns-ip', ip),
    synced: Promise.all([byService.synced, bySlice.synced, byNamespace.synced]),
  };
}

export const serviceOfSlice = (slice: EndpointSlice): string | undefined => slice.metadata.labels?.[serviceLabel];
