/** Matching pods by domain of a constraint, with changes to try out on top. */
import type { Snapshot } from '../framework/plugin.ts';
import type { PodCounts } from '../state/podcounts.ts';
import type { PodInfo } from '../state/podinfo.ts';
import { hasAllKeys, type SpreadConstraint } from './spreadconstraints.ts';

export interface DomainCounts {
  at(value: string): number;
  /** Of the least populated domain; 0 when there are fewer than `minDomains`. */
  lowest(minDomains: number): number;
  change(value: string, amount: number): void;
  clone(): DomainCounts;
}

/** Pods that the constraint counts, on all nodes; not those that are going away. */
export const matchingPods = ({ id, selector }: SpreadConstraint, { namespace }: PodInfo, snapshot: Snapshot): PodCounts =>
  // An empty selector counts nothing.
  snapshot.countPods(`spread ${id}`, (other) => !selector.empty && other.namespace === namespace && !other.terminating && selector.matches(other.labels));

/** Every node counts: what is kept up to date for the whole cluster can be used. */
export const countsEverywhere = (constraints: readonly SpreadConstraint[], snapshot: Snapshot): boolean =>
  constraints.every(({ everyNode, topologyKey }) => everyNode && snapshot.labelValues(topologyKey).everywhere);

/** `all` are the constraints of the pod: nodes without one of their labels don't count. */
export function countDomains(constraint: SpreadConstraint, all: readonly SpreadConstraint[], pod: PodInfo, snapshot: Snapshot): DomainCounts {
  const { topologyKey } = constraint;
  const matching = matchingPods(constraint, pod, snapshot);
  if (countsEverywhere(all, snapshot)) return createCounts(matching.domains(topologyKey), snapshot.labelValues(topologyKey).values, new Map());
  const counts = new Map<string, number>();
  for (const node of snapshot.nodes) {
    if (!hasAllKeys(node, all) || !constraint.includes(node)) continue;
    const value = node.labels[topologyKey]!;
    counts.set(value, (counts.get(value) ?? 0) + matching.on(node));
  }
  return createCounts(counts, counts, new Map());
}

function createCounts(base: ReadonlyMap<string, number>, values: ReadonlyMap<string, unknown>, changes: Map<string, number>): DomainCounts {
  const at = (value: string): number => (base.get(value) ?? 0) + (changes.get(value) ?? 0);
  return {
    at,
    lowest(minDomains) {
      if (values.size < minDomains) return 0;
      // Some domain has nobody.
      if (changes.size === 0 && base.size < values.size) return 0;
      let least = Number.POSITIVE_INFINITY;
      for (const value of values.keys()) least = Math.min(least, at(value));
      return least;
    },
    change: (value, amount) => void changes.set(value, (changes.get(value) ?? 0) + amount),
    clone: () => createCounts(base, values, new Map(changes)),
  };
}
