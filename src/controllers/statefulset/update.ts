/** One turn of a StatefulSet: pods that are missing, wrong, too many or outdated, in this order. Source of the rules: upstream's `stateful_set_control.go`. */
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '../../api/apps/v1/types.gen.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { scaledIntOrPercent } from '../../apimachinery/intstr.ts';
import { isPodAvailable, isPodReady } from '../common/podstate.ts';
import { templateOf } from '../common/revisions.ts';
import { slowStart } from '../common/slowstart.ts';
import { identityMatches, isInRange, isParallel, newPod, ordinalOf, replicasOf, revisionOf, startOf, storageMatches } from './identity.ts';
import type { StatefulPodControl } from './podcontrol.ts';

export interface Turn {
  set: StatefulSet;
  pods: readonly Pod[];
  current: ControllerRevision;
  update: ControllerRevision;
  collisionCount: number | undefined;
  now: Date;
}

const isCreated = ({ status }: Pod): boolean => (status?.phase ?? '') !== '';
const isFinished = ({ status }: Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded';
const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod);

/** The status that the pods amount to. */
export function statusOf({ set, current, update, collisionCount, now }: Turn, pods: readonly Pod[], removed = 0): StatefulSetStatus {
  const count = (test: (pod: Pod) => boolean): number => pods.filter(test).length;
  const ofRevision = (name: string): number => count((pod) => isCreated(pod) && !isTerminating(pod) && revisionOf(pod) === name);
  return {
    observedGeneration: set.metadata.generation,
    replicas: count(isCreated),
    readyReplicas: count(isRunningAndReady),
    availableReplicas: count((pod) => isRunningAndReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)),
    currentReplicas: Math.max(0, ofRevision(current.metadata.name) - removed),
    updatedReplicas: ofRevision(update.metadata.name),
    currentRevision: current.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount: collisionCount ?? 0,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
}

/** The pod of an ordinal that is missing: of the current revision below the partition, else of the new one. */
function missingPod({ set, current, update }: Turn, ordinal: number): Pod {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
  const index = ordinal - startOf(set);
  const keepsCurrent = rollingUpdate ? index < (rollingUpdate.partition ?? 0) : type === 'RollingUpdate' && index < (set.status?.currentReplicas ?? 0);
  const revision = keepsCurrent ? current : update;
  return newPod(set, templateOf(revision), revision.metadata.name, ordinal);
}

/** Does what one turn allows, and gives the status after it. `error` is what went wrong; the status holds nevertheless. */
export async function takeTurn(control: StatefulPodControl, turn: Turn): Promise<{ status: StatefulSetStatus; error?: unknown }> {
  const { set, pods, now } = turn;
  const minReady = set.spec.minReadySeconds ?? 0;
  const ordered = !isParallel(set);
  const isUnavailable = (pod: Pod): boolean => isTerminating(pod) || !isPodAvailable(pod, minReady, now);

  const byOrdinal = new Map(pods.filter((pod) => isInRange(set, pod)).map((pod) => [ordinalOf(pod), pod]));
  const replicas = Array.from({ length: replicasOf(set) }, (_, index) => byOrdinal.get(startOf(set) + index) ?? missingPod(turn, startOf(set) + index));
  const condemned = pods.filter((pod) => !isInRange(set, pod) && ordinalOf(pod) >= 0).sort((a, b) => ordinalOf(b) - ordinalOf(a));
  const firstUnavailable = [...replicas, ...[...condemned].reverse()].find(isUnavailable);
  if (set.metadata.deletionTimestamp) return { status: statusOf(turn, pods) };

  /** True when an ordered set must stop here for now. */
  async function fix(pod: Pod): Promise<boolean> {
    if (isFinished(pod)) {
      if (!isTerminating(pod)) await control.delete(set, pod);
      return true;
    }
    if (!isCreated(pod)) {
      if (control.mustWaitForClaims(set, pod)) return true;
      await control.create(set, pod);
      return ordered;
    }
    if (pod.status?.phase === 'Pending') await control.ensureClaims(set, pod);
    if (ordered && (isTerminating(pod) || !isRunningAndReady(pod) || !isPodAvailable(pod, minReady, now))) return true;
    if (identityMatches(set, pod) && storageMatches(set, pod)) await control.followRetention(set, pod);
    else await control.repair(set, pod);
    return false;
  }

  async function condemn(pod: Pod): Promise<boolean> {
    if (isTerminating(pod)) return ordered;
    // An unhealthy pod may go; before a healthy one goes, all below it must be well.
    if (ordered && pod !== firstUnavailable && (!isRunningAndReady(pod) || !isPodAvailable(pod, minReady, now))) return true;
    await control.delete(set, pod);
    return true;
  }

  /** One after the other until one says stop, or all at once. */
  async function forAll(items: readonly Pod[], action: (pod: Pod) => Promise<boolean>): Promise<boolean> {
    if (!ordered) {
      const { error } = await slowStart(items.length, (index) => action(items[index]!));
      if (error !== undefined) throw error;
      return false;
    }
    for (const item of items) if (await action(item)) return true;
    return false;
  }

  let removed = 0;
  /** The highest ordinal that is outdated, once everything above it is well. */
  async function rollOn(): Promise<void> {
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const { partition = 0, maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {};
    if (maxUnavailable !== undefined) return rollSeveral(partition, Math.max(1, scaledIntOrPercent(maxUnavailable, replicas.length, false)));
    for (const pod of replicas.slice(partition).reverse()) {
      if (revisionOf(pod) !== turn.update.metadata.name && !isTerminating(pod)) {
        await control.delete(set, pod);
        if (revisionOf(pod) === turn.current.metadata.name) removed = 1;
        return;
      }
      if (isUnavailable(pod)) return;
    }
  }

  /** From the highest ordinal down, as many outdated ones as may be unavailable at once; those that are already, for whatever reason, count. */
  async function rollSeveral(partition: number, maxUnavailable: number): Promise<void> {
    const outdated = replicas.slice(partition).filter((pod) => revisionOf(pod) !== turn.update.metadata.name && !isTerminating(pod));
    for (const pod of outdated.reverse().slice(0, Math.max(0, maxUnavailable - replicas.filter(isUnavailable).length))) {
      await control.delete(set, pod);
      if (revisionOf(pod) === turn.current.metadata.name) removed++;
    }
  }

  try {
    const stopped =
      (await forAll(replicas, fix)) ||
      (await forAll(condemned, async (pod) => {
        await control.followRetention(set, pod);
        return false;
      })) ||
      (await forAll(condemned, condemn));
    if (!stopped) await rollOn();
  } catch (error) {
    return { status: statusOf(turn, [...replicas, ...condemned]), error };
  }
  return { status: statusOf(turn, [...replicas, ...condemned], removed) };
}

/** A rollout that is done makes the new revision the current one. */
export function completeRollout(set: StatefulSet, status: StatefulSetStatus): StatefulSetStatus {
  const wanted = replicasOf(set);
  const rolling = (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  if (!rolling || status.updatedReplicas !== wanted || status.readyReplicas !== wanted || status.replicas !== wanted) return status;
  return { ...status, currentReplicas: status.updatedReplicas, currentRevision: status.updateRevision };
}
