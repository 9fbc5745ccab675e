/** `disruption-controller`: says how many pods of a budget may be evicted now. */

import { pods as podKind } from '../../api/core/v1/pod.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { poddisruptionbudgets } from '../../api/policy/v1/poddisruptionbudget.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/policy/v1/types.gen.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { isConflict } from '../../apimachinery/errors.ts';
import { scaledIntOrPercent } from '../../apimachinery/intstr.ts';
import { keyOf, timeOf } from '../../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { isPodReady, isPodTerminal, podCondition } from '../common/podstate.ts';
import { goText } from '../common/selectortext.ts';
import { type ControllerContext, defineController, type Enqueue, enqueueSelf, type ReconcileResult, type RunningController } from '../controller.ts';
import { createExpectedPods, type ExpectedPods } from './scale.ts';

export const disruptionController = defineController({ name: 'disruption-controller', eventSource: 'controllermanager', setup });

/** An evicted pod must be gone by then, or it counts again. */
const deletionTimeoutMs = 2 * 60_000;
/** As long a pod may be marked as about to be disrupted without being deleted. */
const staleMarkMs = 2 * 60_000;
const podPrefix = 'pod:';

interface Counts {
  expected: number;
  desired: number;
}

function conditionOf(
  budget: PodDisruptionBudget,
  status: 'True' | 'False',
  reason: string,
  message: string,
  observedGeneration: number | undefined,
  now: Date,
) {
  const current = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const lastTransitionTime = current?.status === status ? current.lastTransitionTime : timeOf(now);
  return { type: 'DisruptionAllowed', status, reason, message, observedGeneration, lastTransitionTime };
}

function setup(context: ControllerContext, enqueue: Enqueue): RunningController {
  const { client, informers, events, now } = context;
  const budgets = informers.informer(poddisruptionbudgets);
  const pods = informers.informer(podKind);
  const budgetClient = client.resource(poddisruptionbudgets);
  const expectedPods = createExpectedPods(context);

  const selects = ({ spec }: PodDisruptionBudget, pod: Pod): boolean => labelSelectorMatcher(spec.selector).matches(pod.metadata.labels);
  enqueueSelf(budgets, enqueue, keyOf);
  const budgetsOf = (pod: Pod): PodDisruptionBudget[] => budgets.list(pod.metadata.namespace).filter((budget) => selects(budget, pod));
  function podChanged(pod: Pod): void {
    const found = budgetsOf(pod);
    for (const budget of found) enqueue(keyOf(budget));
    if (found.length < 2) return;
    const { namespace, name } = pod.metadata;
    // As upstream says it, which looks at one of them only.
    const message = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${found[0]?.metadata.name}" arbitrarily.`;
    events.event({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata }, 'Warning', 'MultiplePodDisruptionBudgets', message);
  }
  function markChanged(pod: Pod): void {
    if (staleMarkLeft(pod) !== undefined) enqueue(`${podPrefix}${keyOf(pod)}`);
  }
  pods.addHandlers({
    added(pod) {
      podChanged(pod);
      markChanged(pod);
    },
    updated(pod, old) {
      podChanged(pod);
      if (!semanticEqual(pod.metadata.labels, old.metadata.labels)) for (const budget of budgetsOf(old)) enqueue(keyOf(budget));
      markChanged(pod);
    },
    deleted: podChanged,
  });

  /** Milliseconds until the mark of a pod that stayed is taken off; undefined without one. */
  function staleMarkLeft(pod: Pod): number | undefined {
    const mark = podCondition(pod, 'DisruptionTarget');
    if (pod.metadata.deletionTimestamp || mark?.status !== 'True' || mark.reason === 'TerminationByKubelet' || isPodTerminal(pod)) return undefined;
    return Math.max(0, Date.parse(mark.lastTransitionTime ?? '') + staleMarkMs - now().getTime());
  }

  async function unmark(key: string): Promise<ReconcileResult> {
    const pod = pods.getByKey(key);
    const left = pod && staleMarkLeft(pod);
    if (!pod || left === undefined) return undefined;
    if (left > 0) return { requeueAfterMs: left };
    const unmarked = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: timeOf(now()), observedGeneration: pod.metadata.generation };
    const conditions = (pod.status?.conditions ?? []).map((condition) => (condition.type === 'DisruptionTarget' ? unmarked : condition));
    await client.resource(podKind).updateStatus({ ...pod, status: { ...pod.status, conditions } });
    return undefined;
  }

  function tellUnmanaged(budget: PodDisruptionBudget, { unmanaged }: ExpectedPods): void {
    if (unmanaged.length === 0) return;
    const selector = goText(budget.spec.selector);
    events.event(
      budget,
      'Warning',
      'UnmanagedPods',
      `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
    );
  }

  async function countsOf(budget: PodDisruptionBudget, own: readonly Pod[]): Promise<Counts> {
    const { maxUnavailable, minAvailable } = budget.spec;
    if (typeof minAvailable === 'number' && maxUnavailable === undefined) return { expected: own.length, desired: minAvailable };
    if (maxUnavailable === undefined && minAvailable === undefined) return { expected: 0, desired: 0 };
    let found: ExpectedPods;
    try {
      found = await expectedPods(own);
    } catch (error) {
      events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${(error as Error).message}`);
      throw error;
    }
    tellUnmanaged(budget, found);
    const desired =
      maxUnavailable === undefined ? scaledIntOrPercent(minAvailable!, found.count, true) : found.count - scaledIntOrPercent(maxUnavailable, found.count, true);
    return { expected: found.count, desired: Math.max(0, desired) };
  }

  /** Pods that were evicted and are not gone yet, and when that must be looked at again. */
  function disrupted(budget: PodDisruptionBudget, own: readonly Pod[], time: number): { pods: Record<string, string>; recheckMs?: number } {
    const still: Record<string, string> = {};
    let recheckMs: number | undefined;
    for (const pod of own) {
      const since = budget.status?.disruptedPods?.[pod.metadata.name];
      if (pod.metadata.deletionTimestamp || since === undefined) continue;
      const left = Date.parse(since) + deletionTimeoutMs - time;
      if (left < 0) {
        events.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${budget.metadata.namespace}/${budget.metadata.name} to be deleted but it wasn't`);
        continue;
      }
      still[pod.metadata.name] = since;
      recheckMs = Math.min(recheckMs ?? left, left);
    }
    return { pods: still, ...(recheckMs === undefined ? {} : { recheckMs: recheckMs + 1 }) };
  }

  async function sync(budget: PodDisruptionBudget): Promise<ReconcileResult> {
    const selector = labelSelectorMatcher(budget.spec.selector);
    const own = pods.list(budget.metadata.namespace).filter((pod) => selector.matches(pod.metadata.labels));
    if (own.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const { expected, desired } = await countsOf(budget, own);
    const time = now();
    const evicted = disrupted(budget, own, time.getTime());
    const healthy = own.filter((pod) => !pod.metadata.deletionTimestamp && evicted.pods[pod.metadata.name] === undefined && isPodReady(pod)).length;
    const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
    const generation = budget.metadata.generation;
    const others = (budget.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed');
    const [truth, reason] = allowed > 0 ? (['True', 'SufficientPods'] as const) : (['False', 'InsufficientPods'] as const);
    const status: PodDisruptionBudgetStatus = {
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      disruptionsAllowed: allowed,
      ...(Object.keys(evicted.pods).length > 0 ? { disruptedPods: evicted.pods } : {}),
      observedGeneration: generation,
      conditions: [...others, conditionOf(budget, truth, reason, '', generation, time)],
    };
    if (!semanticEqual(status, budget.status)) await budgetClient.updateStatus({ ...budget, status });
    return evicted.recheckMs === undefined ? undefined : { requeueAfterMs: evicted.recheckMs };
  }

  /** When the numbers can't be told, nothing may be evicted. */
  async function failSafe(budget: PodDisruptionBudget, error: Error): Promise<void> {
    const others = (budget.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed');
    const failed = conditionOf(budget, 'False', 'SyncFailed', error.message, budget.status?.observedGeneration, now());
    const status = { ...budget.status, disruptionsAllowed: 0, conditions: [...others, failed] };
    if (!semanticEqual(status, budget.status)) await budgetClient.updateStatus({ ...budget, status });
  }

  return {
    async reconcile(key) {
      if (key.startsWith(podPrefix)) return unmark(key.slice(podPrefix.length));
      const budget = budgets.getByKey(key);
      if (!budget) return undefined;
      try {
        return await sync(budget);
      } catch (error) {
        if (isConflict(error)) throw error;
        await failSafe(budget, error as Error);
        return undefined;
      }
    },
  };
}
