/** Which pods of a node would have to go so that a pod fits there. Pure. */
import type { PodDisruptionBudget } from '../../api/policy/v1/types.gen.ts';
import { labelSelectorMatcher } from '../../apimachinery/selectors.ts';
import { runFilters } from '../framework/decide.ts';
import { type NodeCheck, type Rejection, unresolvable } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { Nominator } from '../state/nominator.ts';
import { type PodInfo, startTimeOf } from '../state/podinfo.ts';

export const preemptionPlugin = 'DefaultPreemption';
const noVictims = unresolvable(preemptionPlugin, 'No preemption victims found for incoming pod');

export interface Victims {
  node: NodeInfo;
  /** The most important first. */
  pods: PodInfo[];
  /** How many of them a disruption budget would keep. */
  violations: number;
}

/** Higher priority first; of equals the one that runs longer. */
export const byImportance =
  (now: number) =>
  (a: PodInfo, b: PodInfo): number =>
    b.priority - a.priority || startTimeOf(a.pod, now) - startTimeOf(b.pod, now);

/** Tells of each pod, in order, whether removing it too would break a budget. */
function createBudgets(budgets: readonly PodDisruptionBudget[]): (pod: PodInfo) => boolean {
  const left = budgets.map((budget) => budget.status?.disruptionsAllowed ?? 0);
  return (pod) => {
    if (Object.keys(pod.labels).length === 0) return false;
    for (const [index, budget] of budgets.entries()) {
      if (budget.metadata.namespace !== pod.namespace || budget.status?.disruptedPods?.[pod.pod.metadata.name]) continue;
      const selector = labelSelectorMatcher(budget.spec.selector);
      if (selector.empty || !selector.matches(pod.labels)) continue;
      left[index]!--;
      if (left[index]! < 0) return true;
    }
    return false;
  };
}

export interface VictimsInput {
  pod: PodInfo;
  checks: readonly NodeCheck[];
  nominator: Nominator;
  budgets: readonly PodDisruptionBudget[];
  /** Milliseconds. */
  now: number;
}

/** All lesser pods leave; then as many as possible come back, those that a budget protects first. */
export function selectVictims({ pod, checks, nominator, budgets, now }: VictimsInput, original: NodeInfo): Victims | Rejection {
  const lesser = [...original.pods.values()].filter((other) => other.priority < pod.priority);
  if (lesser.length === 0) return noVictims;
  const node = original.clone();
  const own = checks.map((check) => check.clone?.() ?? check);
  const remove = (other: PodInfo): void => {
    node.removePod(other.uid);
    for (const check of own) check.removePod?.(other, node);
  };
  const add = (other: PodInfo): void => {
    node.addPod(other);
    for (const check of own) check.addPod?.(other, node);
  };
  const fits = (): Rejection | undefined => runFilters(pod, own, node, nominator);

  for (const other of lesser) remove(other);
  const hopeless = fits();
  if (hopeless) return hopeless;

  const important = byImportance(now);
  const breaksBudget = createBudgets(budgets);
  const { true: guarded = [], false: free = [] } = Object.groupBy(lesser.sort(important), (other) => (breaksBudget(other) ? 'true' : 'false'));
  const victims: PodInfo[] = [];
  const reprieve = (other: PodInfo): boolean => {
    add(other);
    if (!fits()) return true;
    remove(other);
    victims.push(other);
    return false;
  };
  const violations = guarded.filter((other) => !reprieve(other)).length;
  for (const other of free) reprieve(other);
  return { node: original, pods: victims.sort(important), violations };
}

/** The earliest start among the most important victims. */
function startOfMostImportant({ pods }: Victims, now: number): number {
  const highest = pods[0]!.priority;
  return Math.min(...pods.filter(({ priority }) => priority === highest).map(({ pod }) => startTimeOf(pod, now)));
}

/** Smaller is better, one criterion after the other: broken budgets, highest priority, sum of priorities, number, and time already run. */
const criteria: readonly ((victims: Victims, now: number) => number)[] = [
  ({ violations }) => violations,
  ({ pods }) => pods[0]!.priority,
  // Shifted to be positive, so that a few negative priorities don't beat many.
  ({ pods }) => pods.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
  ({ pods }) => pods.length,
  (victims, now) => -startOfMostImportant(victims, now),
];

export function leastHarm(candidates: readonly Victims[], now: number): Victims | undefined {
  let left = candidates;
  for (const measure of criteria) {
    if (left.length <= 1) break;
    const least = Math.min(...left.map((one) => measure(one, now)));
    left = left.filter((one) => measure(one, now) === least);
  }
  return left[0];
}
