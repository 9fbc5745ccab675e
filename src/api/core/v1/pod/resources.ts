/**
 * What a pod as a whole asks for: the sum over its containers, the peak over its init containers, the pod's own level, overhead.
 * Source of the rule: KEP-753 (sidecar containers), KEP-2837 (pod-level resources), KEP-1287 (in-place resize).
 */

import { own } from '../../../../apimachinery/own.ts';
import type { Quantity } from '../../../../apimachinery/quantity.ts';
import { addQuantities, compareQuantities, parseQuantity, quantitySign } from '../../../../apimachinery/quantity.ts';
import type { Container, ContainerStatus, Pod } from '../types.gen.ts';

/** Amounts as an object carries them. */
export type ResourceList = Readonly<Record<string, string | number>>;
/** Amounts to calculate with. */
export type Quantities = Record<string, Quantity>;

export interface PodResourcesOptions {
  /** Counts what containers run with while a resize is under way, not only what the spec asks for. */
  useStatusResources?: boolean;
  excludeOverhead?: boolean;
  /** Ignores `spec.resources`. */
  skipPodLevelResources?: boolean;
  /** Counts for a container that says nothing about the resource; an explicit zero stays. */
  nonMissingContainerRequests?: ResourceList;
  /** Sees what each container counts for; for an init container that includes the sidecars before it. */
  containerFn?: (resources: Quantities, type: 'container' | 'initContainer') => void;
}

const podLevelResources: readonly string[] = ['cpu', 'memory'];

/** Whether the resource may be set for the pod as a whole. */
export const isSupportedPodLevelResource = (name: string): boolean => podLevelResources.includes(name) || name.startsWith('hugepages-');

const anySupported = (list: ResourceList | undefined): boolean => Object.keys(list ?? {}).some(isSupportedPodLevelResource);

/** Requests at the level of the pod are given. */
export const isPodLevelRequestsSet = (pod: Pod): boolean => anySupported(pod.spec.resources?.requests);
/** Limits at the level of the pod are given. */
export const isPodLevelLimitsSet = (pod: Pod): boolean => anySupported(pod.spec.resources?.limits);
/** Requests or limits at the level of the pod are given. */
export const isPodLevelResourcesSet = (pod: Pod): boolean => isPodLevelRequestsSet(pod) || isPodLevelLimitsSet(pod);

/** An init container that keeps running beside the containers. */
export const isRestartableInitContainer = (container: Pick<Container, 'restartPolicy'>): boolean => container.restartPolicy === 'Always';

/** A resource list, to calculate with. */
export function quantitiesOf(list: ResourceList | undefined): Quantities {
  const result: Quantities = {};
  for (const name in list) result[name] = parseQuantity(list[name]!);
  return result;
}

function addTo(total: Quantities, more: Quantities): void {
  for (const name in more) {
    const before = own(total, name);
    total[name] = before ? addQuantities(before, more[name]!) : more[name]!;
  }
}

function raiseTo(total: Quantities, other: Quantities): void {
  for (const name in other) {
    const most = own(total, name);
    if (!most || compareQuantities(other[name]!, most) > 0) total[name] = other[name]!;
  }
}

function maxOf(...lists: (ResourceList | undefined)[]): Quantities {
  const result: Quantities = {};
  for (const list of lists) raiseTo(result, quantitiesOf(list));
  return result;
}

const resizePendingFor = (pod: Pod, reason: string): boolean =>
  pod.status?.conditions?.find((condition) => condition.type === 'PodResizePending')?.reason === reason;

/** The node can never grant the resize that is asked for. */
export const isPodResizeInfeasible = (pod: Pod): boolean => resizePendingFor(pod, 'Infeasible');
/** The node cannot grant the resize now. */
export const isPodResizeDeferred = (pod: Pod): boolean => resizePendingFor(pod, 'Deferred');

type Level = 'requests' | 'limits';

interface Actual {
  resources?: { requests?: ResourceList; limits?: ResourceList };
  allocatedResources?: ResourceList;
}

/** During a resize the larger of what is asked for, granted and in force counts; an infeasible wish doesn't. */
function effective(pod: Pod, spec: ResourceList | undefined, actual: Actual | undefined, level: Level): Quantities {
  if (!actual?.resources) return quantitiesOf(spec);
  const wished = isPodResizeInfeasible(pod) ? undefined : spec;
  return maxOf(wished, actual.resources[level], level === 'requests' ? actual.allocatedResources : undefined);
}

function statusesByName(pod: Pod): Map<string, ContainerStatus> {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return new Map(all.map((status) => [status.name, status]));
}

function aggregate(pod: Pod, level: Level, options: PodResourcesOptions): Quantities {
  const statuses = options.useStatusResources ? statusesByName(pod) : undefined;
  const missing = level === 'requests' ? options.nonMissingContainerRequests : undefined;
  const of = (container: Container, resizable: boolean): Quantities => {
    const asked = effective(pod, container.resources?.[level], resizable ? statuses?.get(container.name) : undefined, level);
    for (const name in missing) if (!Object.hasOwn(asked, name)) asked[name] = parseQuantity(missing[name]!);
    return asked;
  };

  const total: Quantities = {};
  for (const container of pod.spec.containers) {
    const own = of(container, true);
    options.containerFn?.(own, 'container');
    addTo(total, own);
  }
  // While an init container runs, the sidecars that started before it run too.
  const sidecars: Quantities = {};
  const peak: Quantities = {};
  for (const container of pod.spec.initContainers ?? []) {
    const sidecar = isRestartableInitContainer(container);
    const own = of(container, sidecar);
    if (sidecar) {
      addTo(total, own);
      addTo(sidecars, own);
    } else addTo(own, sidecars);
    const now = sidecar ? { ...sidecars } : own;
    options.containerFn?.(now, 'initContainer');
    raiseTo(peak, now);
  }
  raiseTo(total, peak);
  return total;
}

function applyPodLevel(pod: Pod, total: Quantities, level: Level, options: PodResourcesOptions): void {
  if (options.skipPodLevelResources) return;
  const spec = pod.spec.resources?.[level];
  if (!spec) return;
  const own = effective(pod, spec, options.useStatusResources ? pod.status : undefined, level);
  for (const name in spec) if (isSupportedPodLevelResource(name) && own[name]) total[name] = own[name];
}

/** What must be free on a node for the pod to run there; overhead included. */
export function podRequests(pod: Pod, options: PodResourcesOptions = {}): Quantities {
  const total = aggregate(pod, 'requests', options);
  applyPodLevel(pod, total, 'requests', options);
  for (const claim of pod.status?.nodeAllocatableResourceClaimStatuses ?? []) {
    if (options.useStatusResources && !isPodLevelRequestsSet(pod)) addTo(total, quantitiesOf(claim.resources));
  }
  if (!options.excludeOverhead) addTo(total, quantitiesOf(pod.spec.overhead));
  return total;
}

/** What the pod may use at most; overhead is added to limits that are not zero. */
export function podLimits(pod: Pod, options: PodResourcesOptions = {}): Quantities {
  const total = aggregate(pod, 'limits', options);
  applyPodLevel(pod, total, 'limits', options);
  if (options.excludeOverhead) return total;
  const overhead = quantitiesOf(pod.spec.overhead);
  for (const name in overhead) {
    const limit = own(total, name);
    if (limit && quantitySign(limit) !== 0) total[name] = addQuantities(limit, overhead[name]!);
  }
  return total;
}
