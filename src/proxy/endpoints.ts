/** Which endpoints a port of a service sends traffic to. Rules of upstream's `CategorizeEndpoints`; all pure. */

import type { Service } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';

export interface Endpoint {
  ip: string;
  port: number;
  /** On this node. */
  local: boolean;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  zones: readonly string[] | undefined;
  nodes: readonly string[] | undefined;
}

export type IpFamily = 'IPv4' | 'IPv6';

/** Of an address or a range. */
export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4');

export interface NodePlace {
  name: string;
  zone?: string;
}

/** All endpoints of a named port, one per address and port, from every slice of the service. A ready one wins over its double. */
export function endpointsOf(slices: readonly EndpointSlice[], portName: string, protocol: string, family: IpFamily, node: NodePlace): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    const port = slice.ports?.find((one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP') === protocol)?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, nodeName, hints } of slice.endpoints ?? []) {
      const ip = addresses[0];
      if (ip === undefined) continue;
      const ready = conditions?.ready ?? true;
      const endpoint: Endpoint = {
        ip,
        port,
        local: nodeName === node.name,
        ready,
        serving: conditions?.serving ?? ready,
        terminating: conditions?.terminating ?? false,
        zones: hints?.forZones?.map((zone) => zone.name),
        nodes: hints?.forNodes?.map((one) => one.name),
      };
      const key = `${ip} ${port}`;
      const known = found.get(key);
      if (!known || (!known.ready && ready)) found.set(key, endpoint);
    }
  }
  return [...found.values()].sort((a, b) => (a.ip === b.ip ? a.port - b.port : a.ip < b.ip ? -1 : 1));
}

export interface Choice {
  /** For traffic to cluster IPs, and to external addresses where the policy is `Cluster`. */
  cluster: Endpoint[];
  /** For traffic under a `Local` policy. */
  local: Endpoint[];
  /** No endpoint anywhere could serve: connections are refused rather than dropped. */
  none: boolean;
}

/** Ready endpoints; where there are none, those that terminate but still serve (KEP-1669). */
export function chooseEndpoints(endpoints: readonly Endpoint[], service: Service, node: NodePlace): Choice {
  const ready = endpoints.filter((one) => one.ready);
  const draining = endpoints.filter((one) => one.serving && one.terminating);
  const usable = ready.length > 0 ? ready : draining;
  const localReady = ready.filter((one) => one.local);
  const local = localReady.length > 0 ? localReady : draining.filter((one) => one.local);
  return { cluster: near(usable, service, node), local, none: usable.length === 0 };
}

/**
 * Topology hints are followed only if every ready endpoint has one and one fits this node; else all are used (KEP-2433, KEP-3015).
 */
function near(endpoints: Endpoint[], service: Service, node: NodePlace): Endpoint[] {
  const wants = service.spec.trafficDistribution ?? service.metadata.annotations?.['service.kubernetes.io/topology-mode'];
  if (wants === undefined || wants === 'Disabled' || wants === 'disabled') return endpoints;
  if (endpoints.length > 0 && endpoints.every((one) => (one.nodes?.length ?? 0) > 0)) {
    const here = endpoints.filter((one) => one.nodes?.includes(node.name));
    if (here.length > 0) return here;
  }
  if (node.zone !== undefined && endpoints.every((one) => (one.zones?.length ?? 0) > 0)) {
    const inZone = endpoints.filter((one) => one.zones?.includes(node.zone as string));
    if (inZone.length > 0) return inZone;
  }
  return endpoints;
}
