/** `deployment-controller`: rolls templates out through ReplicaSets, one per template. */
import { deployments } from '../../api/apps/v1/deployment.ts';
import { replicasets } from '../../api/apps/v1/replicaset.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/apps/v1/types.gen.ts';
import { pods as podKind } from '../../api/core/v1/pod.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import { controllerOf, keyOf } from '../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { claim } from '../common/claim.ts';
import { findCondition, withCondition } from '../common/conditions.ts';
import { createOwnedLister, resolveController, watchOwned } from '../common/ownership.ts';
import { type ControllerContext, defineController, type Enqueue, enqueueSelf, type ReconcileResult, type RunningController } from '../controller.ts';
import { byRevision, desiredReplicas, rollbackAnnotation } from './annotations.ts';
import { createNewSets, type Sets } from './newset.ts';
import { active, historyLimit, isRolling, progressDeadline, replicasOf } from './replicas.ts';
import { rollBack } from './rollback.ts';
import { emptyOld, oldPodsRunning, rollingStep } from './rollout.ts';
import { createScaler, scaleDeployment } from './scale.ts';
import { condition, isComplete, progressCheckMs, progressStatus, rolloutStatus, timedOut } from './status.ts';

export const deploymentController = defineController({ name: 'deployment-controller', setup });

function setup(context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, events, now } = context;
  const deploymentInformer = informers.informer(deployments);
  const setInformer = informers.informer(replicasets);
  const podInformer = informers.informer(podKind);
  const ownedSets = createOwnedLister(setInformer);
  const ownedPods = createOwnedLister(podInformer);
  const deploymentClient = client.resource(deployments);
  const setClient = client.resource(replicasets);
  const newSets = createNewSets(context);
  const scaler = createScaler(context);

  enqueueSelf(deploymentInformer, enqueue, keyOf);
  watchOwned({
    owners: deploymentInformer,
    children: setInformer,
    selects({ spec }, set) {
      const selector = labelSelectorMatcher(spec.selector);
      return !selector.empty && selector.matches(set.metadata.labels);
    },
    enqueue,
  });
  // Recreate waits for the last old pod to go.
  podInformer.addHandlers({
    deleted(pod) {
      const set = resolveController(setInformer, pod.metadata.namespace ?? '', controllerOf(pod));
      const deployment = set && resolveController(deploymentInformer, set.metadata.namespace ?? '', controllerOf(set));
      if (deployment && !isRolling(deployment)) enqueue(keyOf(deployment));
    },
  });

  async function writeIfChanged(deployment: Deployment, status: DeploymentStatus): Promise<void> {
    if (!sameStatus(deployment.status, status)) await deploymentClient.updateStatus({ ...deployment, status });
  }

  /** Pausing stops the clock of the progress deadline; resuming starts it anew. */
  async function notePause(deployment: Deployment): Promise<Deployment> {
    const current = findCondition(deployment.status?.conditions, 'Progressing');
    if (progressDeadline(deployment) === undefined || current?.reason === timedOut) return deployment;
    const wasPaused = current?.reason === 'DeploymentPaused';
    const paused = deployment.spec.paused ?? false;
    if (paused === wasPaused) return deployment;
    const next = paused
      ? condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', now())
      : condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', now());
    return deploymentClient.updateStatus({ ...deployment, status: { ...deployment.status, conditions: withCondition(deployment.status?.conditions, next) } });
  }

  /** Deletes the oldest empty ReplicaSets beyond the limit. */
  async function cleanUp(deployment: Deployment, oldSets: readonly ReplicaSet[]): Promise<void> {
    const limit = historyLimit(deployment);
    if (limit === undefined) return;
    const alive = oldSets.filter((set) => !set.metadata.deletionTimestamp).sort(byRevision);
    for (const set of alive.slice(0, Math.max(0, alive.length - limit))) {
      const settled = (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0);
      if ((set.status?.replicas ?? 0) !== 0 || replicasOf(set) !== 0 || !settled) continue;
      try {
        await setClient.delete(set.metadata.namespace ?? '', set.metadata.name);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  const all = ({ oldSets, newSet }: Sets): ReplicaSet[] => [...oldSets, ...(newSet ? [newSet] : [])];

  async function followScale(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<void> {
    const state = await newSets.sync(deployment, sets, false);
    await scaleDeployment(scaler, state.deployment, state.newSet, state.oldSets);
    if (state.deployment.spec.paused && state.deployment.metadata.annotations?.[rollbackAnnotation] === undefined)
      await cleanUp(state.deployment, state.oldSets);
    await writeIfChanged(state.deployment, rolloutStatus(state.deployment, all(state), state.newSet, now()));
  }

  async function finish(state: Sets, settled: boolean): Promise<ReconcileResult> {
    const { deployment, newSet, oldSets } = state;
    if (settled && isComplete(deployment, deployment.status)) await cleanUp(deployment, oldSets);
    const status = progressStatus(deployment, all(state), newSet, now());
    await writeIfChanged(deployment, status);
    const check = progressCheckMs(deployment, status, now());
    return check === undefined ? undefined : { requeueAfterMs: check };
  }

  async function rollOut(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<ReconcileResult> {
    const state = await newSets.sync(deployment, sets, true);
    return finish(state, !(await rollingStep(scaler, state.deployment, state.newSet!, state.oldSets)));
  }

  async function recreate(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<ReconcileResult> {
    let state = await newSets.sync(deployment, sets, false);
    if (await emptyOld(scaler, state.deployment, state.oldSets)) return finish(state, false);
    if (oldPodsRunning(state.oldSets, ownedPods.ownedBy)) return finish(state, false);
    if (!state.newSet) state = await newSets.sync(state.deployment, sets, true);
    await scaler.scale(state.deployment, state.newSet!, replicasOf(state.deployment));
    return finish(state, true);
  }

  async function reconcile(key: string): Promise<ReconcileResult> {
    const cached = deploymentInformer.getByKey(key);
    if (!cached) return undefined;
    const selector = labelSelectorMatcher(cached.spec.selector);
    if (selector.empty) {
      events.event(cached, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
      await writeIfChanged(cached, { ...cached.status, observedGeneration: cached.metadata.generation });
      return undefined;
    }
    const sets = await claim({ owner: cached, owners: deploymentClient, children: setClient, selector, candidates: ownedSets.candidates(cached) });
    if (cached.metadata.deletionTimestamp) {
      const state = await newSets.sync(cached, sets, false);
      await writeIfChanged(state.deployment, rolloutStatus(state.deployment, all(state), state.newSet, now()));
      return undefined;
    }
    const deployment = await notePause(cached);
    if (deployment.spec.paused) return followScale(deployment, sets);
    if (deployment.metadata.annotations?.[rollbackAnnotation]) {
      const state = await newSets.sync(deployment, sets, true);
      return rollBack(context, state.deployment, all(state));
    }
    if (active(sets).some((set) => (desiredReplicas(set) ?? replicasOf(deployment)) !== replicasOf(deployment))) return followScale(deployment, sets);
    return isRolling(deployment) ? rollOut(deployment, sets) : recreate(deployment, sets);
  }

  return { reconcile };
}

/** Zero and absent are the same. */
function sameStatus(a: DeploymentStatus | undefined, b: DeploymentStatus): boolean {
  const compact = (status: DeploymentStatus = {}): unknown => Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
  return semanticEqual(compact(a), compact(b));
}
