/** Which pods go first when there are too many. Source of the order: upstream's `ActivePodsWithRanks`. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isPodReady, podCondition } from './podstate.ts';

export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** Negative when `a` goes before `b`, 0 when this rule does not tell them apart. */
type Rule = (a: Pod, b: Pod) => number;

const truthFirst = (a: boolean, b: boolean): number => Number(b) - Number(a);

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

const byUid: Rule = (a, b) => ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1);

/** The younger first, where ages of the same magnitude are the same; then by uid, so that not always the youngest goes. */
function byAge(time: (pod: Pod) => string | undefined, now: number): Rule {
  const magnitude = (since: string): number => {
    const age = now - Date.parse(since);
    return age > 0 ? Math.floor(Math.log2(age * 1e6)) : -1;
  };
  return (a, b) => {
    const [one, two] = [time(a), time(b)];
    if (one === two) return 0;
    if (one === undefined) return -1;
    if (two === undefined) return 1;
    return magnitude(one) - magnitude(two) || byUid(a, b);
  };
}

/** The `count` pods that go. `rank` is how many replicas a pod's node has: the more crowded goes first. */
export function podsToDelete(pods: readonly Pod[], count: number, rank: (pod: Pod) => number, now: Date): Pod[] {
  if (count >= pods.length) return [...pods];
  const readySince = (pod: Pod): string | undefined => podCondition(pod, 'Ready')?.lastTransitionTime;
  const byReadyTime = byAge(readySince, now.getTime());
  const rules: Rule[] = [
    (a, b) => truthFirst(!a.spec.nodeName, !b.spec.nodeName),
    (a, b) => (phaseRank[a.status?.phase ?? ''] ?? 0) - (phaseRank[b.status?.phase ?? ''] ?? 0),
    (a, b) => truthFirst(!isPodReady(a), !isPodReady(b)),
    (a, b) => deletionCost(a) - deletionCost(b),
    (a, b) => rank(b) - rank(a),
    (a, b) => (isPodReady(a) && isPodReady(b) ? byReadyTime(a, b) : 0),
    (a, b) => restarts(b) - restarts(a),
    (a, b) => sidecarRestarts(b) - sidecarRestarts(a),
    byAge((pod) => pod.metadata.creationTimestamp, now.getTime()),
  ];
  const compare: Rule = (a, b) => {
    for (const rule of rules) {
      const order = rule(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
  return [...pods].sort(compare).slice(0, count);
}
