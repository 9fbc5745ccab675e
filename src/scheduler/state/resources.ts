/** Amounts of resources as plain numbers: filters run for every pod on every node. */
import { podRequests, type Quantities } from '../../api/core/v1/pod/helpers.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { milliValue, type QuantityLike, value } from '../../apimachinery/quantity.ts';

export interface Resources {
  milliCpu: number;
  /** Bytes. */
  memory: number;
  ephemeralStorage: number;
  /** Extended resources, huge pages, attachable volumes. */
  scalars: Map<string, number>;
}

/** What a container that names no request counts for when nodes are compared: 0.1 CPU and 200 MiB, as upstream assumes. */
const assumedRequests = { cpu: '100m', memory: '200Mi' };

/** Resources of a node or a pod; `pods` is not one that is added up. */
export function resourcesOf(list: Readonly<Record<string, QuantityLike>> | undefined): Resources {
  const resources: Resources = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() };
  for (const name in list) {
    const amount = list[name]!;
    if (name === 'cpu') resources.milliCpu = milliValue(amount);
    else if (name === 'memory') resources.memory = value(amount);
    else if (name === 'ephemeral-storage') resources.ephemeralStorage = value(amount);
    else if (isScalar(name)) resources.scalars.set(name, value(amount));
  }
  return resources;
}

const isScalar = (name: string): boolean => name.includes('/') || name.startsWith('hugepages-') || name.startsWith('attachable-volumes-');

/** Adds `count` times `more`; -1 takes it away. */
export function addResources(total: Resources, more: Resources, count: 1 | -1): void {
  total.milliCpu += more.milliCpu * count;
  total.memory += more.memory * count;
  total.ephemeralStorage += more.ephemeralStorage * count;
  for (const [name, amount] of more.scalars) total.scalars.set(name, (total.scalars.get(name) ?? 0) + amount * count);
}

export interface PodRequests {
  requests: Resources;
  /** CPU and memory with an assumption in place of what is missing. */
  nonZero: { milliCpu: number; memory: number };
}

/** What a pod takes from its node. Reads what is in force during a resize, when the pod runs already. */
export function requestsOf(pod: Pod): PodRequests {
  const useStatusResources = pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
  const requests: Quantities = podRequests(pod, { useStatusResources });
  const padded: Quantities = podRequests(pod, { useStatusResources, nonMissingContainerRequests: assumedRequests });
  const nonZero = resourcesOf({ ...(padded.cpu ? { cpu: padded.cpu } : {}), ...(padded.memory ? { memory: padded.memory } : {}) });
  return { requests: resourcesOf(requests), nonZero: { milliCpu: nonZero.milliCpu, memory: nonZero.memory } };
}
