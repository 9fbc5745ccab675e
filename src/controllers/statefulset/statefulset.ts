/** `statefulset-controller`: pods with stable names and storage, started, stopped and updated in order. */
import { statefulsets } from '../../api/apps/v1/statefulset.ts';
import type { StatefulSet, StatefulSetStatus } from '../../api/apps/v1/types.gen.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { claim } from '../common/claim.ts';
import { createOwnedLister, watchOwned } from '../common/ownership.ts';
import { isPodReady, nextAvailabilityCheckMs } from '../common/podstate.ts';
import { createRevisions } from '../common/revisions.ts';
import { writeStatus } from '../common/status.ts';
import { type ControllerContext, defineController, type Enqueue, enqueueSelf, type ReconcileResult, type RunningController } from '../controller.ts';
import { isMember, revisionOf } from './identity.ts';
import { createStatefulPodControl } from './podcontrol.ts';
import { completeRollout, takeTurn } from './update.ts';

export const statefulSetController = defineController({ name: 'statefulset-controller', setup });

const counts = ['observedGeneration', 'replicas', 'readyReplicas', 'availableReplicas', 'currentReplicas', 'updatedReplicas', 'collisionCount'] as const;

const sameStatus = (a: StatefulSetStatus | undefined, b: StatefulSetStatus): boolean =>
  counts.every((field) => (a?.[field] ?? 0) === (b[field] ?? 0)) && a?.currentRevision === b.currentRevision && a?.updateRevision === b.updateRevision;

function setup(context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, now } = context;
  const sets = informers.informer(statefulsets);
  const pods = informers.informer(podKind);
  informers.informer(persistentvolumeclaims);
  const owned = createOwnedLister(pods);
  const setClient = client.resource(statefulsets);
  const revisions = createRevisions(client, informers, setClient, (hash) => ({ 'controller.kubernetes.io/hash': hash }));
  const control = createStatefulPodControl(context);

  enqueueSelf(sets, enqueue, keyOf);
  watchOwned({
    owners: sets,
    children: pods,
    selects: (set, pod) => isMember(set, pod) && labelSelectorMatcher(set.spec.selector).matches(pod.metadata.labels),
    enqueue,
    updated(set, pod, old) {
      const seconds = set.spec.minReadySeconds ?? 0;
      if (seconds > 0 && isPodReady(pod) && !isPodReady(old)) enqueue.after(keyOf(set), (seconds + 1) * 1_000);
    },
  });

  async function turnOf(set: StatefulSet, own: readonly Pod[]): Promise<StatefulSetStatus> {
    const history = await revisions.list(set);
    const { update, collisionCount } = await revisions.sync(set, history, set.status?.collisionCount);
    const current = history.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const { status, error } = await takeTurn(control, { set, pods: own, current, update, collisionCount, now: now() });
    const completed = completeRollout(set, status);
    if (!sameStatus(set.status, completed)) await writeStatus(setClient, set, (object) => ({ ...object, status: completed }));
    if (error !== undefined) throw error;
    await revisions.truncate(set, history, new Set([current.metadata.name, update.metadata.name, ...own.map(revisionOf)]));
    return completed;
  }

  async function reconcile(key: string): Promise<ReconcileResult> {
    const set = sets.getByKey(key);
    if (!set) return undefined;
    const selector = labelSelectorMatcher(set.spec.selector);
    const own = await claim({
      owner: set,
      owners: setClient,
      children: client.resource(podKind),
      selector,
      candidates: owned.candidates(set),
      filter: (pod) => isMember(set, pod),
    });
    const status = await turnOf(set, own);
    const minReady = set.spec.minReadySeconds ?? 0;
    if (minReady === 0 || status.readyReplicas === status.availableReplicas) return undefined;
    return { requeueAfterMs: nextAvailabilityCheckMs(own, minReady, now()) ?? minReady * 1_000 };
  }

  return { reconcile };
}
