/** PodTopologySpread, as a filter: constraints with `DoNotSchedule`. */
import { type NodeCheck, type SchedulerPlugin, unresolvable, unschedulable, type WakeEvent } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import { type PodInfo, podInfoOf } from '../state/podinfo.ts';
import { createSpreadScore } from './podtopologyspreadscore.ts';
import { constraintsOf, type DefaultSpread, hasAllKeys, ownConstraints, type SpreadConstraint } from './spreadconstraints.ts';
import { countDomains, type DomainCounts } from './spreadcounts.ts';

const name = 'PodTopologySpread';
const skewed = unschedulable(name, "node(s) didn't match pod topology spread constraints");
const unlabelled = unresolvable(name, "node(s) didn't match pod topology spread constraints (missing required label)");

function createCheck(pod: PodInfo, constraints: readonly SpreadConstraint[], counts: readonly DomainCounts[]): NodeCheck {
  /** The least populated domain of each constraint; found again when a count changed. */
  const lowest: (number | undefined)[] = constraints.map(() => undefined);
  const own = constraints.map(({ selector }) => (selector.matches(pod.labels) ? 1 : 0));

  function lowestOf(index: number): number {
    const known = lowest[index];
    if (known !== undefined) return known;
    const least = counts[index]!.lowest(constraints[index]!.minDomains);
    lowest[index] = least;
    return least;
  }

  function change(other: PodInfo, node: NodeInfo, amount: 1 | -1): void {
    if (other.namespace !== pod.namespace || !hasAllKeys(node, constraints)) return;
    for (const [index, constraint] of constraints.entries()) {
      if (!constraint.selector.matches(other.labels) || !constraint.includes(node)) continue;
      counts[index]!.change(node.labels[constraint.topologyKey]!, amount);
      lowest[index] = undefined;
    }
  }

  return {
    filter({ labels }) {
      for (let index = 0; index < constraints.length; index++) {
        const { topologyKey, maxSkew } = constraints[index]!;
        const value = labels[topologyKey];
        if (value === undefined) return unlabelled;
        if (counts[index]!.at(value) + own[index]! - lowestOf(index) > maxSkew) return skewed;
      }
      return undefined;
    },
    addPod: (other, node) => change(other, node, 1),
    removePod: (other, node) => change(other, node, -1),
    clone: () =>
      createCheck(
        pod,
        constraints,
        counts.map((domains) => domains.clone()),
      ),
  };
}

export const createPodTopologySpread = (defaults: DefaultSpread): SchedulerPlugin => ({
  score: createSpreadScore(defaults),
  filter(pod, snapshot) {
    const constraints = constraintsOf(pod, 'DoNotSchedule', snapshot, defaults);
    if (constraints.length === 0) return undefined;
    return createCheck(
      pod,
      constraints,
      constraints.map((constraint) => countDomains(constraint, constraints, pod, snapshot)),
    );
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
  const pod = podInfoOf(waiting);
  const constraints = ownConstraints(pod, 'DoNotSchedule');
  // It has those by default, with a selector that depends on more than the pod.
  if (constraints.length === 0) return event.old?.metadata.namespace === pod.namespace || event.object?.metadata.namespace === pod.namespace;
  const counted = (other: PodInfo['pod'] | undefined, { selector }: SpreadConstraint): boolean =>
    other?.metadata.namespace === pod.namespace && selector.matches(other.metadata.labels);
  if (event.old && event.object) return constraints.some((one) => counted(event.old, one) !== counted(event.object, one));
  return constraints.some((one) => counted(event.object ?? event.old, one));
}
