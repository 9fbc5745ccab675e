/** The status of a set of replicas, from its pods. */
import type { ReplicaSetStatus } from '../../api/apps/v1/types.gen.ts';
import type { Pod, PodTemplateSpec } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { labelSetMatcher } from '../../apimachinery/selectors.ts';
import { remembering } from '../common/claim.ts';
import { findCondition, withCondition, withoutCondition } from '../common/conditions.ts';
import { isPodAvailable, isPodReady } from '../common/podstate.ts';

export interface ReplicasState {
  status: ReplicaSetStatus | undefined;
  generation: number | undefined;
  replicas: number;
  minReadySeconds: number;
  template: PodTemplateSpec | undefined;
  activePods: readonly Pod[];
  /** Absent for kinds whose status does not have the number. */
  terminating?: number;
  /** What creating or deleting pods failed with. */
  failure?: unknown;
  now: Date;
}

export function replicasStatus(state: ReplicasState): ReplicaSetStatus {
  const { activePods, failure, minReadySeconds, now } = state;
  const labels = remembering(labelSetMatcher(state.template?.metadata?.labels));
  let [fullyLabeled, ready, available] = [0, 0, 0];
  for (const pod of activePods) {
    if (labels(pod.metadata.labels)) fullyLabeled++;
    if (!isPodReady(pod)) continue;
    ready++;
    if (minReadySeconds <= 0 || isPodAvailable(pod, minReadySeconds, now)) available++;
  }
  let conditions = state.status?.conditions;
  if (failure !== undefined && !findCondition(conditions, 'ReplicaFailure')) {
    const reason = activePods.length < state.replicas ? 'FailedCreate' : activePods.length > state.replicas ? 'FailedDelete' : '';
    const message = failure instanceof Error ? failure.message : String(failure);
    conditions = withCondition(conditions, { type: 'ReplicaFailure', status: 'True', reason, message, lastTransitionTime: timeOf(now) });
  } else if (failure === undefined) {
    conditions = withoutCondition(conditions, 'ReplicaFailure');
  }
  return {
    replicas: activePods.length,
    fullyLabeledReplicas: fullyLabeled,
    readyReplicas: ready,
    availableReplicas: available,
    ...(state.terminating === undefined ? {} : { terminatingReplicas: state.terminating }),
    observedGeneration: state.generation,
    ...(conditions && conditions.length > 0 ? { conditions } : {}),
  };
}

/** Absent counts and zero say the same. */
export function sameReplicasStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  const numbers = (status: ReplicaSetStatus | undefined): number[] => [
    status?.replicas ?? 0,
    status?.fullyLabeledReplicas ?? 0,
    status?.readyReplicas ?? 0,
    status?.availableReplicas ?? 0,
    status?.terminatingReplicas ?? 0,
    status?.observedGeneration ?? 0,
  ];
  const text = (status: ReplicaSetStatus | undefined): string => JSON.stringify([numbers(status), status?.conditions ?? []]);
  return text(a) === text(b);
}
