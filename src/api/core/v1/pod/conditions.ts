/** Reading and setting the state of a pod: phase, conditions, readiness. */
import { timeOf } from '../../../../apimachinery/meta.ts';
import type { Container, ContainerStatus, EphemeralContainer, Pod, PodCondition, PodStatus } from '../types.gen.ts';

export const getPodCondition = (status: PodStatus | undefined, type: string): PodCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

export const isPodConditionTrue = (pod: Pod, type: string): boolean => getPodCondition(pod.status, type)?.status === 'True';

export const isPodReady = (pod: Pod): boolean => isPodConditionTrue(pod, 'Ready');
export const isContainersReady = (pod: Pod): boolean => isPodConditionTrue(pod, 'ContainersReady');

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, now: Date): boolean {
  return isPodReady(pod) && millisecondsToAvailable(pod, minReadySeconds, now) === 0;
}

/** How long a ready pod must stay ready until it counts as available; 0 when it does, undefined when it is not ready. */
export function millisecondsToAvailable(pod: Pod, minReadySeconds: number, now: Date): number | undefined {
  if (!isPodReady(pod)) return undefined;
  if (minReadySeconds === 0) return 0;
  const since = getPodCondition(pod.status, 'Ready')?.lastTransitionTime;
  if (!since) return minReadySeconds * 1000;
  return Math.max(0, Date.parse(since) + minReadySeconds * 1000 - now.getTime());
}

/** The pod's containers have all come to their end, and will not be started again. */
export const isPodTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
export const isPodTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
/** Neither finished nor being deleted. */
export const isPodActive = (pod: Pod): boolean => !isPodTerminal(pod) && !isPodTerminating(pod);

export const podPriority = (pod: Pod): number => pod.spec.priority ?? 0;

/**
 * Puts the condition into the status; its transition time moves only when `status` changes.
 * Tells whether anything changed.
 */
export function setPodCondition(status: PodStatus, condition: PodCondition, now: Date): boolean {
  const current = getPodCondition(status, condition.type);
  const moved = current?.status !== condition.status;
  const lastTransitionTime = condition.lastTransitionTime ?? (moved ? timeOf(now) : current?.lastTransitionTime);
  const next: PodCondition = { ...condition, ...(lastTransitionTime ? { lastTransitionTime } : {}) };
  if (!current) {
    status.conditions = [...(status.conditions ?? []), next];
    return true;
  }
  if (!moved && current.lastTransitionTime) next.lastTransitionTime = current.lastTransitionTime;
  const fields = ['status', 'reason', 'message', 'lastProbeTime', 'lastTransitionTime', 'observedGeneration'] as const;
  const same = fields.every((field) => (current[field] || undefined) === (next[field] || undefined));
  if (same) return false;
  status.conditions = status.conditions!.map((one) => (one === current ? next : one));
  return true;
}

export type ContainerType = 'containers' | 'initContainers' | 'ephemeralContainers';

interface PlacedContainer {
  container: Container | EphemeralContainer;
  type: ContainerType;
  index: number;
}

const containerTypes: readonly ContainerType[] = ['initContainers', 'containers', 'ephemeralContainers'];

/** Every container of the pod, in the order in which they start: init, regular, ephemeral. */
export function podContainers(spec: Pod['spec']): PlacedContainer[] {
  const found: PlacedContainer[] = [];
  for (const type of containerTypes) spec[type]?.forEach((container: Container | EphemeralContainer, index) => void found.push({ container, type, index }));
  return found;
}

export const containerStatus = (statuses: readonly ContainerStatus[] | undefined, name: string): ContainerStatus | undefined =>
  statuses?.find((status) => status.name === name);
