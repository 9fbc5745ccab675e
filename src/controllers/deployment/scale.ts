/** Changing the sizes of ReplicaSets: one at a time, and all in proportion when the Deployment is scaled during a rollout. */
import { replicasets } from '../../api/apps/v1/replicaset.ts';
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import type { ControllerContext } from '../controller.ts';
import { desiredReplicas, maxReplicas, sizeAnnotations } from './annotations.ts';
import { active, activeOrLatest, bySizeNewer, bySizeOlder, isRolling, maxSurge, replicasOf, specReplicas } from './replicas.ts';

export interface Scaler {
  /** Gives the set as it is then. `annotate`: its annotations are brought up to date even where the size stays. */
  scale(deployment: Deployment, set: ReplicaSet, replicas: number, annotate?: boolean): Promise<{ scaled: boolean; set: ReplicaSet }>;
}

export function createScaler({ client, events }: Pick<ControllerContext, 'client' | 'events'>): Scaler {
  const resource = client.resource(replicasets);
  return {
    async scale(deployment, set, replicas, annotate = false) {
      const before = replicasOf(set);
      const annotations = sizeAnnotations(deployment);
      const stale = Object.entries(annotations).some(([key, value]) => set.metadata.annotations?.[key] !== value);
      if (before === replicas && !(annotate && stale)) return { scaled: false, set };
      const updated = await resource.update({
        ...set,
        metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, ...annotations } },
        spec: { ...set.spec, replicas },
      });
      if (before === replicas) return { scaled: false, set: updated };
      const direction = before < replicas ? 'up' : 'down';
      events.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`);
      return { scaled: true, set: updated };
    },
  };
}

/** A new ReplicaSet that has all replicas, all of them available: the old ones have nothing to do any more. */
const isSaturated = (deployment: Deployment, set: ReplicaSet | undefined): boolean =>
  set !== undefined &&
  replicasOf(set) === replicasOf(deployment) &&
  desiredReplicas(set) === replicasOf(deployment) &&
  (set.status?.availableReplicas ?? 0) === replicasOf(deployment);

/** By how much a set changes so that it keeps its share. */
function share(deployment: Deployment, set: ReplicaSet): number {
  if (replicasOf(deployment) === 0) return -replicasOf(set);
  const before = maxReplicas(set) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const size = (replicasOf(set) * (replicasOf(deployment) + maxSurge(deployment))) / before;
  return Math.round(size) - replicasOf(set);
}

/** The sizes that the sets with replicas get, largest first; what rounding leaves over goes to the first. */
export function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): { set: ReplicaSet; replicas: number }[] {
  const allowed = replicasOf(deployment) > 0 ? replicasOf(deployment) + maxSurge(deployment) : 0;
  const toAdd = allowed - specReplicas(sets);
  const sorted = [...sets].sort(toAdd > 0 ? bySizeNewer : bySizeOlder);
  let added = 0;
  const sizes = sorted.map((set) => {
    const left = toAdd - added;
    const change = toAdd === 0 || left === 0 ? 0 : toAdd > 0 ? Math.min(share(deployment, set), left) : Math.max(share(deployment, set), left);
    added += change;
    return { set, replicas: replicasOf(set) + change };
  });
  if (sizes[0] && toAdd !== 0) sizes[0].replicas = Math.max(0, sizes[0].replicas + toAdd - added);
  return sizes;
}

/** Follows a change of `spec.replicas` (or scales while paused), without rolling anything out. */
export async function scaleDeployment(scaler: Scaler, deployment: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Promise<void> {
  const only = activeOrLatest(newSet, oldSets);
  if (only) {
    await scaler.scale(deployment, only, replicasOf(deployment));
    return;
  }
  if (isSaturated(deployment, newSet)) {
    for (const set of active(oldSets)) await scaler.scale(deployment, set, 0);
    return;
  }
  if (!isRolling(deployment)) return;
  for (const { set, replicas } of proportionalSizes(deployment, active([...oldSets, ...(newSet ? [newSet] : [])]))) {
    await scaler.scale(deployment, set, replicas, true);
  }
}
