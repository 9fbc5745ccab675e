/** The status and conditions of a Deployment, as functions of its ReplicaSets and of the time. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { findCondition, withCondition, withoutCondition } from '../common/conditions.ts';
import {
  actualReplicas,
  availableReplicas,
  maxUnavailable,
  progressDeadline,
  readyReplicas,
  replicasOf,
  specReplicas,
  terminatingReplicas,
} from './replicas.ts';

export const newSetAvailable = 'NewReplicaSetAvailable';
export const timedOut = 'ProgressDeadlineExceeded';

export const condition = (type: string, status: string, reason: string, message: string, now: Date): DeploymentCondition => {
  const time = timeOf(now);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
};

export function rolloutStatus(deployment: Deployment, allSets: readonly ReplicaSet[], newSet: ReplicaSet | undefined, now: Date): DeploymentStatus {
  const available = availableReplicas(allSets);
  const enough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  const conditions = withCondition(
    deployment.status?.conditions,
    enough
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
      : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', now),
  );
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: actualReplicas(allSets),
    updatedReplicas: newSet ? actualReplicas([newSet]) : 0,
    readyReplicas: readyReplicas(allSets),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, specReplicas(allSets) - available),
    terminatingReplicas: terminatingReplicas(allSets),
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
    conditions,
  };
}

export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status?.updatedReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted &&
    (status?.availableReplicas ?? 0) === wanted &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus | undefined): number => (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function isLate(deployment: Deployment, conditions: readonly DeploymentCondition[], now: Date): boolean {
  const progressing = findCondition(conditions, 'Progressing');
  const deadline = progressDeadline(deployment);
  if (!progressing || deadline === undefined || progressing.reason === newSetAvailable) return false;
  if (progressing.reason === timedOut) return true;
  return Date.parse(progressing.lastUpdateTime ?? '') + deadline * 1_000 < now.getTime();
}

function progressing(deployment: Deployment, status: DeploymentStatus, newSet: ReplicaSet | undefined, now: Date): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  if (progressDeadline(deployment) === undefined) return withoutCondition(conditions, 'Progressing');
  const current = findCondition(deployment.status?.conditions, 'Progressing');
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === newSetAvailable) return [...conditions];
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status)) {
    return withCondition(conditions, condition('Progressing', 'True', newSetAvailable, `${subject} has successfully progressed.`, now));
  }
  if (hasProgressed(deployment.status, status)) {
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`, now);
    // Progress renews the time of the update even where the reason stays.
    if (current?.status === 'True') next.lastTransitionTime = current.lastTransitionTime;
    return [...withoutCondition(conditions, 'Progressing'), next];
  }
  if (isLate(deployment, conditions, now)) {
    return withCondition(conditions, condition('Progressing', 'False', timedOut, `${subject} has timed out progressing.`, now));
  }
  return [...conditions];
}

/** The first failure to make pods, of the new ReplicaSet rather than of others. */
function replicaFailure(allSets: readonly ReplicaSet[], newSet: ReplicaSet | undefined): DeploymentCondition | undefined {
  for (const set of [...(newSet ? [newSet] : []), ...allSets]) {
    const failure = findCondition(set.status?.conditions, 'ReplicaFailure');
    if (failure) return { ...failure, lastUpdateTime: failure.lastTransitionTime };
  }
  return undefined;
}

/** The status with the conditions of a rollout: progress, its deadline, failures. */
export function progressStatus(deployment: Deployment, allSets: readonly ReplicaSet[], newSet: ReplicaSet | undefined, now: Date): DeploymentStatus {
  const status = rolloutStatus(deployment, allSets, newSet, now);
  const conditions = progressing(deployment, status, newSet, now);
  const failure = replicaFailure(allSets, newSet);
  return { ...status, conditions: failure ? withCondition(conditions, failure) : withoutCondition(conditions, 'ReplicaFailure') };
}

/** Milliseconds until it must be looked at whether the deadline has passed. */
export function progressCheckMs(deployment: Deployment, status: DeploymentStatus, now: Date): number | undefined {
  const current = findCondition(deployment.status?.conditions, 'Progressing');
  const deadline = progressDeadline(deployment);
  if (!current || deadline === undefined || isComplete(deployment, status) || current.reason === timedOut) return undefined;
  return Math.max(0, Date.parse(current.lastUpdateTime ?? '') + deadline * 1_000 - now.getTime()) + 1_000;
}
