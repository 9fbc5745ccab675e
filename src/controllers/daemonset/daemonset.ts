/** `daemonset-controller`: one pod on every node that wants one. */
import { daemonsets } from '../../api/apps/v1/daemonset.ts';
import type { DaemonSet } from '../../api/apps/v1/types.gen.ts';
import { nodes as nodeKind } from '../../api/core/v1/node.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { createUidExpectations } from '../../client/expectations.ts';
import { claim } from '../common/claim.ts';
import { createOwnedLister, watchOwned } from '../common/ownership.ts';
import { createPodControl, isNamespaceTerminating } from '../common/podcontrol.ts';
import { isPodReady, isPodTerminal } from '../common/podstate.ts';
import { createRevisions } from '../common/revisions.ts';
import { runAll, slowStart } from '../common/slowstart.ts';
import { writeStatus } from '../common/status.ts';
import { type ControllerContext, defineController, type Enqueue, enqueueSelf, type ReconcileResult, type RunningController } from '../controller.ts';
import { createEndedPods } from './ended.ts';
import { createPlacement, hashLabel, podForNode, targetNode } from './placement.ts';
import { type Plan, planNodes, planUpdate, type Situation } from './plan.ts';
import { sameStatus, statusOf } from './status.ts';

export const daemonSetController = defineController({ name: 'daemonset-controller', identity: 'daemon-set-controller', concurrency: 2, setup });

/** Pods created or deleted in one go. */
const burst = 250;

function setup(context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, events, now } = context;
  const sets = informers.informer(daemonsets);
  const pods = informers.informer(podKind);
  const nodes = informers.informer(nodeKind);
  const owned = createOwnedLister(pods);
  const setClient = client.resource(daemonsets);
  const control = createPodControl(client, events);
  const revisions = createRevisions(client, informers, setClient, (hash) => ({ [hashLabel]: hash }));
  const expectations = createUidExpectations();
  const ended = createEndedPods(events, enqueue);

  enqueueSelf(sets, enqueue, keyOf);
  sets.addHandlers({ deleted: (set) => expectations.forget(keyOf(set)) });
  watchOwned({
    owners: sets,
    children: pods,
    selects: (set, pod) => labelSelectorMatcher(set.spec.selector).matches(pod.metadata.labels),
    enqueue,
    created: (key) => expectations.creationObserved(key),
    deleted: (key, pod) => expectations.deletionObserved(key, keyOf(pod)),
    updated(set, pod, old) {
      const seconds = set.spec.minReadySeconds ?? 0;
      if (seconds > 0 && isPodReady(pod) && !isPodReady(old)) enqueue.after(keyOf(set), (seconds + 1) * 1_000);
    },
  });
  const enqueueAll = (): void => {
    for (const set of sets.list()) enqueue(keyOf(set));
  };
  nodes.addHandlers({
    added: enqueueAll,
    updated(node, old) {
      const placing = ({ metadata, spec }: Node): unknown => [metadata.labels, spec?.taints];
      if (!semanticEqual(placing(node), placing(old))) enqueueAll();
    },
    deleted: enqueueAll,
  });

  async function carryOut(key: string, set: DaemonSet, hash: string, plan: Plan): Promise<void> {
    const create = plan.create.slice(0, burst);
    const doomed = plan.delete.slice(0, burst);
    if (create.length === 0 && doomed.length === 0) return;
    expectations.expectDeletions(key, doomed.map(keyOf));
    expectations.raise(key, create.length, 0);
    const { succeeded, error } = await slowStart(create.length, async (index) => {
      try {
        await control.create(podForNode(set, hash, create[index]!), set);
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
        expectations.creationObserved(key);
      }
    });
    for (let missing = create.length - succeeded; missing > 0; missing--) expectations.creationObserved(key);
    await runAll(doomed, async (pod) => {
      try {
        await control.delete(pod.metadata.namespace ?? '', pod.metadata.name, set);
      } catch (failure) {
        expectations.deletionObserved(key, keyOf(pod));
        if (!isNotFound(failure)) throw failure;
      }
    });
    if (error !== undefined) throw error;
  }

  const claimPods = (set: DaemonSet): Promise<Pod[]> =>
    claim({
      owner: set,
      owners: setClient,
      children: client.resource(podKind),
      selector: labelSelectorMatcher(set.spec.selector),
      candidates: owned.candidates(set),
    });

  function situationOf(set: DaemonSet, own: readonly Pod[], hash: string): Situation {
    // A pod that has ended and is being deleted does not hold its node.
    const counted = own.filter((pod) => !(pod.metadata.deletionTimestamp !== undefined && isPodTerminal(pod)));
    const byNode = Map.groupBy(counted, (pod) => targetNode(pod) ?? '');
    return { set, nodes: nodes.list(), placement: createPlacement(set), pods: byNode, hash, now: now() };
  }

  async function reconcile(key: string): Promise<ReconcileResult> {
    const set = sets.getByKey(key);
    if (!set) {
      expectations.forget(key);
      return undefined;
    }
    if (labelSelectorMatcher(set.spec.selector).empty) {
      events.event(set, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.');
      return undefined;
    }
    if (set.metadata.deletionTimestamp) return undefined;

    const history = await revisions.list(set);
    const { update, collisionCount } = await revisions.sync(set, history, set.status?.collisionCount);
    const hash = update.metadata.labels?.[hashLabel] ?? '';
    const satisfied = expectations.satisfied(key);
    let failure: unknown;
    if (satisfied) {
      try {
        const situation = situationOf(set, await claimPods(set), hash);
        await carryOut(key, set, hash, planNodes(situation, ended(key, set)));
        const rolls = set.spec.updateStrategy?.type !== 'OnDelete';
        if (rolls && expectations.satisfied(key)) await carryOut(key, set, hash, planUpdate(situationOf(set, owned.ownedBy(set), hash)));
        const live = new Set(owned.ownedBy(set).map((pod) => pod.metadata.labels?.[hashLabel]));
        const kept = history.filter((revision) => revision === update || live.has(revision.metadata.labels?.[hashLabel]));
        await revisions.truncate(set, history, new Set([update, ...kept].map(({ metadata }) => metadata.name)));
      } catch (error) {
        failure = error;
      }
    }
    const status = statusOf(situationOf(set, owned.ownedBy(set), hash), satisfied ? set.metadata.generation : set.status?.observedGeneration, collisionCount);
    if (!sameStatus(set.status, status)) await writeStatus(setClient, set, (object) => ({ ...object, status }));
    if (failure !== undefined) throw failure;
    const minReady = set.spec.minReadySeconds ?? 0;
    return minReady > 0 && status.numberReady !== status.numberAvailable ? { requeueAfterMs: minReady * 1_000 } : undefined;
  }

  return { reconcile };
}
