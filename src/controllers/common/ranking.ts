/** Which pods go first when there are too many. Source of the order: upstream's `ActivePodsWithRanks`. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isPodReady, podCondition } from './podstate.ts';

export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** Annotations that are no whole number, as the kubelet would not write them, count as 0. */
export function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation] ?? '0';
  const cost = /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : 0;
  return cost >= -2147483648 && cost <= 2147483647 ? cost : 0;
}

const restarts = (pod: Pod): number => Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));

function sidecarRestarts(pod: Pod): number {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always').map(({ name }) => name));
  return Math.max(0, ...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)).map((status) => status.restartCount));
}

/** A moment, and how long ago it was as a power of two: ages of the same magnitude are the same. */
interface Age {
  since: string | undefined;
  magnitude: number;
}

function ageOf(since: string | undefined, now: number): Age {
  const age = since === undefined ? 0 : now - Date.parse(since);
  return { since, magnitude: age > 0 ? Math.floor(Math.log2(age * 1e6)) : -1 };
}

/** What is compared of a pod, computed once: there may be ten thousand of them. */
interface Ranked {
  pod: Pod;
  /** Compared one after the other; the smaller goes first. */
  first: readonly number[];
  readySince: Age | undefined;
  second: readonly number[];
  created: Age;
}

/** The younger goes first; where that does not tell, by uid, so that not always the youngest goes. */
function compareAges(a: Age, b: Age, pods: [Pod, Pod]): number {
  if (a.since === b.since) return 0;
  if (a.since === undefined) return -1;
  if (b.since === undefined) return 1;
  return a.magnitude - b.magnitude || ((pods[0].metadata.uid ?? '') < (pods[1].metadata.uid ?? '') ? -1 : 1);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return a[index]! - b[index]!;
  return 0;
}

function compare(a: Ranked, b: Ranked): number {
  const pods: [Pod, Pod] = [a.pod, b.pod];
  return (
    compareNumbers(a.first, b.first) ||
    (a.readySince && b.readySince ? compareAges(a.readySince, b.readySince, pods) : 0) ||
    compareNumbers(a.second, b.second) ||
    compareAges(a.created, b.created, pods)
  );
}

/** The `count` pods that go. `rank` is how many replicas a pod's node has: the more crowded goes first. */
export function podsToDelete(pods: readonly Pod[], count: number, rank: (pod: Pod) => number, now: Date): Pod[] {
  if (count >= pods.length) return [...pods];
  const time = now.getTime();
  const ranked = pods.map((pod): Ranked => {
    const ready = isPodReady(pod);
    return {
      pod,
      first: [Number(Boolean(pod.spec.nodeName)), phaseRank[pod.status?.phase ?? ''] ?? 0, Number(ready), deletionCost(pod), -rank(pod)],
      readySince: ready ? ageOf(podCondition(pod, 'Ready')?.lastTransitionTime, time) : undefined,
      second: [-restarts(pod), -sidecarRestarts(pod)],
      created: ageOf(pod.metadata.creationTimestamp, time),
    };
  });
  return ranked
    .sort(compare)
    .slice(0, count)
    .map(({ pod }) => pod);
}
