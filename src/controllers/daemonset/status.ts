/** The status of a DaemonSet, counted over nodes. */
import type { DaemonSetStatus } from '../../api/apps/v1/types.gen.ts';
import { isPodAvailable, isPodReady } from '../common/podstate.ts';
import { hashLabel } from './placement.ts';
import { byAge, type Situation } from './plan.ts';

const counts = [
  'desiredNumberScheduled',
  'currentNumberScheduled',
  'numberMisscheduled',
  'numberReady',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'observedGeneration',
  'collisionCount',
] as const;

export const sameStatus = (a: DaemonSetStatus | undefined, b: DaemonSetStatus): boolean => counts.every((field) => (a?.[field] ?? 0) === (b[field] ?? 0));

/** `observed`: the generation that was acted on. */
export function statusOf(
  { set, nodes, placement, pods, hash, now }: Situation,
  observed: number | undefined,
  collisionCount: number | undefined,
): DaemonSetStatus {
  const status = { desiredNumberScheduled: 0, currentNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0, updatedNumberScheduled: 0, numberAvailable: 0 };
  for (const node of nodes) {
    const [pod] = [...(pods.get(node.metadata.name) ?? [])].sort(byAge);
    if (!placement(node).run) {
      if (pod) status.numberMisscheduled++;
      continue;
    }
    status.desiredNumberScheduled++;
    if (!pod) continue;
    status.currentNumberScheduled++;
    if (isPodReady(pod)) status.numberReady++;
    if (isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)) status.numberAvailable++;
    if (pod.metadata.labels?.[hashLabel] === hash) status.updatedNumberScheduled++;
  }
  return {
    ...status,
    numberUnavailable: status.desiredNumberScheduled - status.numberAvailable,
    observedGeneration: observed,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
}
