/** PodTopologySpread, as a filter: constraints with `DoNotSchedule`. */
import { type NodeCheck, type SchedulerPlugin, unresolvable, unschedulable, type WakeEvent } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import { createPodInfo, type PodInfo } from '../state/podinfo.ts';
import { createSpreadScore } from './podtopologyspreadscore.ts';
import { constraintsOf, countOn, type DefaultSpread, hasAllKeys, ownConstraints, type SpreadConstraint } from './spreadconstraints.ts';

const name = 'PodTopologySpread';
const skewed = unschedulable(name, "node(s) didn't match pod topology spread constraints");
const unlabelled = unresolvable(name, "node(s) didn't match pod topology spread constraints (missing required label)");

function createCheck(pod: PodInfo, constraints: readonly SpreadConstraint[], counts: readonly Map<string, number>[]): NodeCheck {
  /** The least populated domain of each constraint; found again when a count changed. */
  const lowest: (number | undefined)[] = constraints.map(() => undefined);
  const own = constraints.map(({ selector }) => (selector.matches(pod.labels) ? 1 : 0));

  function lowestOf(index: number): number {
    const known = lowest[index];
    if (known !== undefined) return known;
    const domains = counts[index]!;
    let least = domains.size < constraints[index]!.minDomains ? 0 : Number.POSITIVE_INFINITY;
    if (least !== 0) for (const count of domains.values()) least = Math.min(least, count);
    lowest[index] = least;
    return least;
  }

  function change(other: PodInfo, node: NodeInfo, amount: 1 | -1): void {
    if (other.namespace !== pod.namespace || !hasAllKeys(node, constraints)) return;
    for (const [index, constraint] of constraints.entries()) {
      if (!constraint.selector.matches(other.labels) || !constraint.includes(node)) continue;
      const value = node.labels[constraint.topologyKey]!;
      counts[index]!.set(value, (counts[index]!.get(value) ?? 0) + amount);
      lowest[index] = undefined;
    }
  }

  return {
    filter({ labels }) {
      for (const [index, { topologyKey, maxSkew }] of constraints.entries()) {
        const value = labels[topologyKey];
        if (value === undefined) return unlabelled;
        if ((counts[index]!.get(value) ?? 0) + own[index]! - lowestOf(index) > maxSkew) return skewed;
      }
      return undefined;
    },
    addPod: (other, node) => change(other, node, 1),
    removePod: (other, node) => change(other, node, -1),
    clone: () =>
      createCheck(
        pod,
        constraints,
        counts.map((domains) => new Map(domains)),
      ),
  };
}

export const createPodTopologySpread = (defaults: DefaultSpread): SchedulerPlugin => ({
  score: createSpreadScore(defaults),
  filter(pod, snapshot) {
    const constraints = constraintsOf(pod, 'DoNotSchedule', snapshot, defaults);
    if (constraints.length === 0) return undefined;
    const counts = constraints.map(() => new Map<string, number>());
    for (const node of snapshot.nodes) {
      if (!hasAllKeys(node, constraints)) continue;
      for (const [index, constraint] of constraints.entries()) {
        if (!constraint.includes(node)) continue;
        const value = node.labels[constraint.topologyKey]!;
        counts[index]!.set(value, (counts[index]!.get(value) ?? 0) + countOn(node, constraint, pod.namespace));
      }
    }
    return createCheck(pod, constraints, counts);
  },
  wakes: [
    { on: 'pod/add', helps: concerns },
    { on: 'pod/labels', helps: concerns },
    { on: 'pod/delete', helps: concerns },
    { on: 'self/labels' },
    { on: 'self/tolerations' },
    { on: 'node/add' },
    { on: 'node/delete' },
    { on: 'node/labels' },
    { on: 'node/taints' },
  ],
});

function concerns(waiting: PodInfo['pod'], event: WakeEvent): boolean {
  if (event.resource !== 'pod') return true;
  const pod = createPodInfo(waiting);
  const constraints = ownConstraints(pod, 'DoNotSchedule');
  // It has those by default, with a selector that depends on more than the pod.
  if (constraints.length === 0) return event.old?.metadata.namespace === pod.namespace || event.object?.metadata.namespace === pod.namespace;
  const counted = (other: PodInfo['pod'] | undefined, { selector }: SpreadConstraint): boolean =>
    other?.metadata.namespace === pod.namespace && selector.matches(other.metadata.labels);
  if (event.old && event.object) return constraints.some((one) => counted(event.old, one) !== counted(event.object, one));
  return constraints.some((one) => counted(event.object ?? event.old, one));
}
