/** Which pods a node that shuts down ends when, and how long they have: a pure function. Source of the rule: KEP-2000, KEP-2712. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { KubeletConfiguration, PriorityGrace } from '../config/fields.ts';

export interface ShutdownGroup {
  priority: number;
  /** Seconds. */
  grace: number;
  pods: Pod[];
}

const criticalPriority = 2_000_000_000;
type Settings = Pick<KubeletConfiguration, 'shutdownGracePeriod' | 'shutdownGracePeriodCriticalPods' | 'shutdownGracePeriodByPodPriority'>;

/** Lowest priority first; empty when the node is not to wait for its pods. */
export function shutdownPeriods({
  shutdownGracePeriod: all,
  shutdownGracePeriodCriticalPods: critical,
  shutdownGracePeriodByPodPriority,
}: Settings): PriorityGrace[] {
  if (shutdownGracePeriodByPodPriority.length) return [...shutdownGracePeriodByPodPriority].sort((a, b) => a.priority - b.priority);
  if (all === 0) return [];
  return [
    { priority: 0, shutdownGracePeriodSeconds: Math.floor((all - critical) / 1000) },
    { priority: criticalPriority, shutdownGracePeriodSeconds: Math.floor(critical / 1000) },
  ];
}

/** Each pod belongs to the highest group that is not above it; those below all groups to the lowest one. */
export function shutdownGroups(periods: readonly PriorityGrace[], pods: readonly Pod[]): ShutdownGroup[] {
  const groups = periods.map(({ priority, shutdownGracePeriodSeconds }): ShutdownGroup => ({ priority, grace: shutdownGracePeriodSeconds, pods: [] }));
  for (const pod of pods) {
    const group = groups.findLast(({ priority }) => priority <= (pod.spec.priority ?? 0)) ?? groups[0];
    group?.pods.push(pod);
  }
  return groups;
}

/** Seconds that a pod gets in its group. */
export const graceIn = ({ grace }: ShutdownGroup, { spec }: Pod): number => Math.min(grace, spec.terminationGracePeriodSeconds ?? grace);
