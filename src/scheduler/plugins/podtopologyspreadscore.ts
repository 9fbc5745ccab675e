/** PodTopologySpread, as a score: constraints with `ScheduleAnyway`, and the system's defaults for pods that have none. */
import { maxNodeScore, type SchedulerPlugin, type Snapshot } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { PodCounts } from '../state/podcounts.ts';
import { constraintsOf, type DefaultSpread, hasAllKeys, hostname, type SpreadConstraint } from './spreadconstraints.ts';
import { countsEverywhere, matchingPods } from './spreadcounts.ts';

/** Domains of a key with few values weigh less, else hosts would always outvote zones the other way round. */
const weightOf = (domains: number): number => Math.log(domains + 2);

/** A constraint with what was counted for it. Loops over nodes are plain: they run for every pod. */
interface Counted {
  constraint: SpreadConstraint;
  pods: PodCounts;
  /** Pods by domain; a host is its own domain. */
  domains: Map<string, number> | undefined;
  weight: number;
}

function countCandidates(
  constraint: SpreadConstraint,
  pods: PodCounts,
  snapshot: Snapshot,
  candidates: readonly NodeInfo[],
  isLeftOut: (node: NodeInfo) => boolean,
  everywhere: boolean,
): Map<string, number> {
  const { topologyKey } = constraint;
  const domains = new Map<string, number>();
  for (const node of candidates) if (!isLeftOut(node)) domains.set(node.labels[topologyKey] ?? '', 0);
  if (everywhere) {
    const counted = pods.domains(topologyKey);
    for (const value of domains.keys()) domains.set(value, counted.get(value) ?? 0);
    return domains;
  }
  for (const node of snapshot.nodes) {
    const value = node.labels[topologyKey] ?? '';
    const count = domains.get(value);
    if (count === undefined || isLeftOut(node) || !constraint.includes(node)) continue;
    const more = pods.on(node);
    if (more > 0) domains.set(value, count + more);
  }
  return domains;
}

export const createSpreadScore =
  (defaults: DefaultSpread): SchedulerPlugin['score'] =>
  (pod, snapshot, nodes) => {
    const explicit = !defaults.lenient || (pod.pod.spec.topologySpreadConstraints?.length ?? 0) > 0;
    const constraints = constraintsOf(pod, 'ScheduleAnyway', snapshot, defaults);
    if (constraints.length === 0) return undefined;
    const isLeftOut = explicit ? (node: NodeInfo): boolean => !hasAllKeys(node, constraints) : (): boolean => false;
    const ignored = new Set(explicit ? nodes.filter(isLeftOut) : []);
    const everywhere = countsEverywhere(constraints, snapshot);
    const counted = constraints.map((constraint): Counted => {
      const pods = matchingPods(constraint, pod, snapshot);
      if (constraint.topologyKey === hostname) return { constraint, pods, domains: undefined, weight: weightOf(nodes.length - ignored.size) };
      const domains = countCandidates(constraint, pods, snapshot, nodes, isLeftOut, everywhere);
      return { constraint, pods, domains, weight: weightOf(domains.size) };
    });
    return {
      score(node) {
        if (ignored.has(node)) return 0;
        let sum = 0;
        for (let i = 0; i < counted.length; i++) {
          const { constraint, pods, domains, weight } = counted[i]!;
          const value = node.labels[constraint.topologyKey];
          if (value === undefined) continue;
          const count = domains ? (domains.get(value) ?? 0) : pods.on(node);
          sum += count * weight + (constraint.maxSkew - 1);
        }
        return Math.round(sum);
      },
      normalize(scores, all) {
        let lowest = Number.POSITIVE_INFINITY;
        let highest = 0;
        for (let i = 0; i < all.length; i++) {
          if (ignored.has(all[i]!)) continue;
          lowest = Math.min(lowest, scores[i]!);
          highest = Math.max(highest, scores[i]!);
        }
        for (let i = 0; i < all.length; i++) {
          if (ignored.has(all[i]!)) scores[i] = 0;
          else scores[i] = highest === 0 ? maxNodeScore : Math.trunc((maxNodeScore * (highest + lowest - scores[i]!)) / highest);
        }
      },
    };
  };
