/** PodTopologySpread, as a score: constraints with `ScheduleAnyway`, and the system's defaults for pods that have none. */
import { maxNodeScore, type ScorePlugin } from '../framework/plugin.ts';
import { countOn, defaultConstraints, hasAllKeys, hostname, ownConstraints } from './spreadconstraints.ts';

/** Domains of a key with few values weigh less, else hosts would always outvote zones the other way round. */
const weightOf = (domains: number): number => Math.log(domains + 2);

export const podTopologySpreadScore: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  prepare(pod, snapshot, nodes) {
    const explicit = (pod.pod.spec.topologySpreadConstraints?.length ?? 0) > 0;
    const constraints = explicit ? ownConstraints(pod, 'ScheduleAnyway') : defaultConstraints(pod, snapshot);
    if (constraints.length === 0) return undefined;
    // Defaults are lenient: a node without a zone still spreads over hosts.
    const ignored = new Set(explicit ? nodes.filter((node) => !hasAllKeys(node, constraints)) : []);
    const counts = constraints.map(() => new Map<string, number>());
    for (const node of nodes) {
      if (ignored.has(node)) continue;
      for (const [index, { topologyKey }] of constraints.entries()) if (topologyKey !== hostname) counts[index]!.set(node.labels[topologyKey] ?? '', 0);
    }
    const weights = constraints.map(({ topologyKey }, index) => weightOf(topologyKey === hostname ? nodes.length - ignored.size : counts[index]!.size));
    const zoned = constraints.map((constraint, index) => ({ constraint, index })).filter(({ constraint }) => constraint.topologyKey !== hostname);
    if (zoned.length > 0) {
      for (const node of snapshot.nodes) {
        if (explicit && !hasAllKeys(node, constraints)) continue;
        for (const { constraint, index } of zoned) {
          const value = node.labels[constraint.topologyKey] ?? '';
          const count = counts[index]!.get(value);
          if (count !== undefined && constraint.includes(node)) counts[index]!.set(value, count + countOn(node, constraint, pod.namespace));
        }
      }
    }
    return {
      score(node) {
        if (ignored.has(node)) return 0;
        let sum = 0;
        for (const [index, constraint] of constraints.entries()) {
          const value = node.labels[constraint.topologyKey];
          if (value === undefined) continue;
          const count = constraint.topologyKey === hostname ? countOn(node, constraint, pod.namespace) : (counts[index]!.get(value) ?? 0);
          sum += count * weights[index]! + (constraint.maxSkew - 1);
        }
        return Math.round(sum);
      },
      normalize(scores, all) {
        let lowest = Number.POSITIVE_INFINITY;
        let highest = 0;
        for (const [index, node] of all.entries()) {
          if (ignored.has(node)) continue;
          lowest = Math.min(lowest, scores[index]!);
          highest = Math.max(highest, scores[index]!);
        }
        for (const [index, node] of all.entries()) {
          if (ignored.has(node)) scores[index] = 0;
          else scores[index] = highest === 0 ? maxNodeScore : Math.trunc((maxNodeScore * (highest + lowest - scores[index]!)) / highest);
        }
      },
    };
  },
};
