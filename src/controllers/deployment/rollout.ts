/** The two strategies: replace pods step by step, or all at once. One step per call; the rest follows when pods have changed. */
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { isPodTerminal } from '../common/podstate.ts';
import { active, actualReplicas, availableReplicas, byCreation, maxUnavailable, newSetReplicas, replicasOf, specReplicas } from './replicas.ts';
import type { Scaler } from './scale.ts';

const minAvailable = (deployment: Deployment): number => replicasOf(deployment) - maxUnavailable(deployment);

/** True when something was scaled. */
export async function rollingStep(scaler: Scaler, deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<boolean> {
  return (await growNew(scaler, deployment, newSet, oldSets)) || (await shrinkOld(scaler, deployment, newSet, active(oldSets)));
}

async function growNew(scaler: Scaler, deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<boolean> {
  const [has, wanted] = [replicasOf(newSet), replicasOf(deployment)];
  if (has === wanted) return false;
  const size = has > wanted ? wanted : newSetReplicas(deployment, [...oldSets, newSet], has);
  return (await scaler.scale(deployment, newSet, size)).scaled;
}

async function shrinkOld(scaler: Scaler, deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<boolean> {
  if (specReplicas(oldSets) === 0) return false;
  // Pods of the new set that are not available yet must not be counted on.
  const unavailableNew = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  const spare = specReplicas([...oldSets, newSet]) - minAvailable(deployment) - unavailableNew;
  if (spare <= 0) return false;
  const { sets, removed } = await removeUnhealthy(scaler, deployment, oldSets, spare);
  return removed + (await removeAvailable(scaler, deployment, newSet, sets)) > 0;
}

/** Unavailable pods go first: nobody misses them, and they could block the rollout. */
async function removeUnhealthy(
  scaler: Scaler,
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
  limit: number,
): Promise<{ sets: ReplicaSet[]; removed: number }> {
  const sets: ReplicaSet[] = [];
  let removed = 0;
  for (const set of [...oldSets].sort(byCreation)) {
    const count = Math.min(limit - removed, replicasOf(set) - (set.status?.availableReplicas ?? 0));
    if (count <= 0) {
      sets.push(set);
      continue;
    }
    sets.push((await scaler.scale(deployment, set, replicasOf(set) - count)).set);
    removed += count;
  }
  return { sets, removed };
}

async function removeAvailable(scaler: Scaler, deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<number> {
  let left = availableReplicas([...oldSets, newSet]) - minAvailable(deployment);
  let removed = 0;
  for (const set of [...oldSets].sort(byCreation)) {
    const count = Math.min(replicasOf(set), left);
    if (count <= 0) continue;
    await scaler.scale(deployment, set, replicasOf(set) - count);
    left -= count;
    removed += count;
  }
  return removed;
}

/** Scales all old sets to nothing; true when one was. */
export async function emptyOld(scaler: Scaler, deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<boolean> {
  let scaled = false;
  for (const set of active(oldSets)) scaled = (await scaler.scale(deployment, set, 0)).scaled || scaled;
  return scaled;
}

/** Whether a pod of an old set may still be running: Recreate starts nothing before. `podsOf` gives a set's pods. */
export const oldPodsRunning = (oldSets: readonly ReplicaSet[], podsOf: (set: ReplicaSet) => readonly Pod[]): boolean =>
  actualReplicas(oldSets) > 0 || oldSets.some((set) => podsOf(set).some((pod) => !isPodTerminal(pod)));
