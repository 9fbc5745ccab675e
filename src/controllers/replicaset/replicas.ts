/**
 * Keeps as many pods of a template running as are asked for: what a ReplicaSet and a ReplicationController share.
 * Expectations hold it back while the cache does not show yet what it created or deleted.
 */

import type { ReplicaSetStatus } from '../../api/apps/v1/types.gen.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod, PodTemplateSpec } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { controllerOf, type KubeObject, keyOf } from '../../apimachinery/meta.ts';
import type { LabelMatcher } from '../../apimachinery/selectors.ts';
import type { ResourceRef } from '../../client/client.ts';
import { createUidExpectations } from '../../client/expectations.ts';
import { claim } from '../common/claim.ts';
import { controllerReference, createOwnedLister, isControlledBy, watchOwned } from '../common/ownership.ts';
import { createPodControl, isNamespaceTerminating, podFromTemplate } from '../common/podcontrol.ts';
import { isPodActive, isPodReady, isPodTerminating, nextAvailabilityCheckMs } from '../common/podstate.ts';
import { podsToDelete } from '../common/ranking.ts';
import { runAll, slowStart } from '../common/slowstart.ts';
import { writeStatus } from '../common/status.ts';
import {
  type ControllerContext,
  type ControllerDefinition,
  defineController,
  type Enqueue,
  enqueueSelf,
  type ReconcileResult,
  type RunningController,
} from '../controller.ts';
import { replicasStatus, sameReplicasStatus } from './status.ts';

export interface ReplicasObject extends KubeObject {
  spec?: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicaSetStatus;
}

export interface ReplicasKind<T extends ReplicasObject> extends Pick<ControllerDefinition, 'name' | 'identity' | 'eventSource'> {
  ref: ResourceRef<T>;
  selector(object: T): LabelMatcher;
  countsTerminating: boolean;
}

/** Pods created or deleted in one go. */
const burst = 500;
/** Changes of pods that come together are looked at together: a look costs as much as there are pods, so with many it comes later. */
const batchMs = (set: ReplicasObject | undefined): number => 5 + Math.max(set?.spec?.replicas ?? 1, set?.status?.replicas ?? 0) / 100;

export function defineReplicasController<T extends ReplicasObject>(kind: ReplicasKind<T>): ControllerDefinition {
  const { name, identity = name, eventSource = name } = kind;
  return defineController({ name, identity, eventSource, setup: (context, enqueue) => setup(kind, context, enqueue) });
}

function setup<T extends ReplicasObject>(kind: ReplicasKind<T>, context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, events, now } = context;
  const sets = informers.informer(kind.ref);
  const pods = informers.informer(podKind);
  const owned = createOwnedLister(pods);
  const siblings = createOwnedLister(sets);
  const setClient = client.resource(kind.ref);
  const podClient = client.resource(podKind);
  const control = createPodControl(client, events);
  const expectations = createUidExpectations();

  /** With the last that was waited for, the next burst may come at once. */
  function observe(key: string, note: () => void): void {
    const waited = !expectations.satisfied(key);
    note();
    if (waited && expectations.satisfied(key)) enqueue(key);
  }

  enqueueSelf(sets, enqueue, keyOf);
  sets.addHandlers({ deleted: (set) => expectations.forget(keyOf(set)) });
  watchOwned({
    owners: sets,
    children: pods,
    selects: (set, pod) => {
      const selector = kind.selector(set);
      return !selector.empty && selector.matches(pod.metadata.labels);
    },
    enqueue: (key) => enqueue.after(key, batchMs(sets.getByKey(key))),
    created: (key) => observe(key, () => expectations.creationObserved(key)),
    deleted: (key, pod) => observe(key, () => expectations.deletionObserved(key, keyOf(pod))),
    updated(set, pod, old) {
      const seconds = set.spec?.minReadySeconds ?? 0;
      if (seconds > 0 && isPodReady(pod) && !isPodReady(old)) enqueue.after(keyOf(set), seconds * 1_000);
    },
  });

  async function create(key: string, set: T, count: number): Promise<void> {
    const template = set.spec?.template;
    if (!template) return;
    expectations.expectCreations(key, count);
    const reference = controllerReference(set, kind.ref);
    const { succeeded, error } = await slowStart(count, async () => {
      try {
        await control.create(podFromTemplate(template, set, reference), set);
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
        expectations.creationObserved(key);
      }
    });
    for (let missing = count - succeeded; missing > 0; missing--) expectations.creationObserved(key);
    if (error !== undefined) throw error;
  }

  /** Pods on each node, of all sets that belong to the same owner: where they are crowded, one goes first. */
  function crowding(set: T): (pod: Pod) => number {
    const owner = controllerOf(set);
    const related = owner ? siblings.ownedBy({ metadata: owner }) : [set];
    const perNode = new Map<string, number>();
    for (const pod of related.flatMap((one) => owned.ownedBy(one))) {
      if (isPodActive(pod)) perNode.set(pod.spec.nodeName ?? '', (perNode.get(pod.spec.nodeName ?? '') ?? 0) + 1);
    }
    return (pod) => perNode.get(pod.spec.nodeName ?? '') ?? 0;
  }

  async function remove(key: string, set: T, active: readonly Pod[], count: number): Promise<void> {
    const doomed = podsToDelete(active, count, crowding(set), now());
    expectations.expectDeletions(key, doomed.map(keyOf));
    await runAll(doomed, async (pod) => {
      try {
        await control.delete(pod.metadata.namespace ?? '', pod.metadata.name, set);
      } catch (error) {
        expectations.deletionObserved(key, keyOf(pod));
        if (!isNotFound(error)) throw error;
      }
    });
  }

  async function manage(key: string, set: T, active: readonly Pod[]): Promise<unknown> {
    const missing = (set.spec?.replicas ?? 1) - active.length;
    try {
      if (missing > 0) await create(key, set, Math.min(missing, burst));
      else if (missing < 0) await remove(key, set, active, Math.min(-missing, burst));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async function reconcile(key: string): Promise<ReconcileResult> {
    const set = sets.getByKey(key);
    if (!set) {
      expectations.forget(key);
      return undefined;
    }
    const satisfied = expectations.satisfied(key);
    const selector = kind.selector(set);
    const candidates: Pod[] = [];
    let terminating = 0;
    for (const pod of owned.candidates(set)) {
      if (isPodActive(pod)) candidates.push(pod);
      else if (isPodTerminating(pod) && isControlledBy(pod, set) && selector.matches(pod.metadata.labels)) terminating++;
    }
    const active = await claim({ owner: set, owners: setClient, children: podClient, selector, candidates });
    const failure = satisfied && !set.metadata.deletionTimestamp ? await manage(key, set, active) : undefined;

    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const time = now();
    const status = replicasStatus({
      status: set.status,
      generation: set.metadata.generation,
      replicas: set.spec?.replicas ?? 1,
      minReadySeconds,
      template: set.spec?.template,
      activePods: active,
      ...(kind.countsTerminating ? { terminating } : {}),
      failure,
      now: time,
    });
    if (!sameReplicasStatus(set.status, status)) await writeStatus(setClient, set, (object) => ({ ...object, status }));
    if (failure !== undefined) throw failure;
    if (minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas) {
      return { requeueAfterMs: nextAvailabilityCheckMs(active, minReadySeconds, time) ?? minReadySeconds * 1_000 };
    }
    return undefined;
  }

  return { reconcile };
}
