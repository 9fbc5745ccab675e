/** The quality of service class of a pod. Source of the rule: upstream's `v1/helper/qos`, KEP-2837 for pod-level resources. */

import type { Quantity } from '../../../../apimachinery/quantity.ts';
import { addQuantities, compareQuantities, parseQuantity, quantitySign } from '../../../../apimachinery/quantity.ts';
import type { Pod } from '../types.gen.ts';
import type { ResourceList } from './resources.ts';

export type QOSClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

type Pair = Partial<Record<'cpu' | 'memory', Quantity>>;
const counted = ['cpu', 'memory'] as const;

/** Only CPU and memory count, and zero is as good as absent. Tells whether both were there. */
function collect(into: Pair, list: ResourceList | undefined): boolean {
  let found = 0;
  for (const name of counted) {
    const text = list?.[name];
    if (text === undefined) continue;
    const amount = parseQuantity(text);
    if (quantitySign(amount) <= 0) continue;
    into[name] = into[name] ? addQuantities(into[name], amount) : amount;
    found++;
  }
  return found === counted.length;
}

/** Computed from the spec, whatever the status says. */
export function computePodQOS(pod: Pod): QOSClass {
  const requests: Pair = {};
  const limits: Pair = {};
  let guaranteed = true;
  const levels = pod.spec.resources ? [pod.spec] : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const { resources } of levels) {
    collect(requests, resources?.requests);
    if (!collect(limits, resources?.limits)) guaranteed = false;
  }
  const size = (pair: Pair): number => Object.keys(pair).length;
  if (size(requests) === 0 && size(limits) === 0) return 'BestEffort';
  if (!guaranteed || size(requests) !== size(limits)) return 'Burstable';
  const same = counted.every((name) => !requests[name] || (limits[name] && compareQuantities(requests[name], limits[name]) === 0));
  return same ? 'Guaranteed' : 'Burstable';
}

/** The class that the API server recorded, or what it would record. */
export const podQOSClass = (pod: Pod): QOSClass => (pod.status?.qosClass as QOSClass | undefined) || computePodQOS(pod);
