/** What controllers ask about a pod. Source of the rules: upstream's `api/v1/pod`, `controller_utils.go`. */
import type { Pod, PodCondition } from '../../api/core/v1/types.gen.ts';

export const podCondition = (pod: Pod, type: string): PodCondition | undefined => pod.status?.conditions?.find((condition) => condition.type === type);

export const isPodReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True';

export const isPodTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Neither finished nor being deleted: it counts as a replica. */
export const isPodActive = (pod: Pod): boolean => !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;

/** Being deleted, and its containers have not all ended. */
export const isPodTerminating = (pod: Pod): boolean => !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;

/** Ready, and for `minReadySeconds` already. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, now: Date): boolean {
  if (!isPodReady(pod)) return false;
  if (minReadySeconds <= 0) return true;
  const since = podCondition(pod, 'Ready')?.lastTransitionTime;
  return since !== undefined && Date.parse(since) + minReadySeconds * 1_000 <= now.getTime();
}

/** Milliseconds until the next of the pods becomes available, if one is going to. */
export function nextAvailabilityCheckMs(pods: readonly Pod[], minReadySeconds: number, now: Date): number | undefined {
  let next: number | undefined;
  for (const pod of pods) {
    const ready = podCondition(pod, 'Ready');
    if (ready?.status !== 'True' || !ready.lastTransitionTime) continue;
    const left = Date.parse(ready.lastTransitionTime) + minReadySeconds * 1_000 - now.getTime();
    if (left > 0 && (next === undefined || left < next)) next = left;
  }
  return next;
}
