/** InterPodAffinity, as a score: preferences of the pod for pods that are there, and theirs for it. */
import type { PluginArgs } from '../config/types.ts';
import { maxNodeScore, type SchedulerPlugin, type Snapshot } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { AffinityTerm, PodInfo } from '../state/podinfo.ts';
import { namespaceLabels } from './interpodaffinity.ts';
import { TopologyCounts } from './topologycounts.ts';

/** `hardPodAffinityWeight`: a pod with required affinity was placed near such pods, so it likes this one too. */
function countPreferences(pod: PodInfo, snapshot: Snapshot, { hardPodAffinityWeight }: PluginArgs['InterPodAffinity']): TopologyCounts {
  const counts = new TopologyCounts();
  const ownLabels = namespaceLabels(snapshot, pod.namespace);
  const own = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0;
  const count = (terms: readonly AffinityTerm[], target: PodInfo, node: NodeInfo, sign: 1 | -1, weight?: number): void => {
    if (terms.length === 0) return;
    const labels = target === pod ? ownLabels : namespaceLabels(snapshot, target.namespace);
    for (const term of terms) if (term.matches(target, labels)) counts.add(node, term.topologyKey, sign * (weight ?? term.weight));
  };
  for (const node of own ? snapshot.nodes : snapshot.nodesWithAffinity) {
    for (const other of own ? node.pods.values() : node.podsWithAffinity) {
      count(pod.preferredAffinity, other, node, 1);
      count(pod.preferredAntiAffinity, other, node, -1);
      if (hardPodAffinityWeight > 0) count(other.requiredAffinity, pod, node, 1, hardPodAffinityWeight);
      count(other.preferredAffinity, pod, node, 1);
      count(other.preferredAntiAffinity, pod, node, -1);
    }
  }
  return counts;
}

export const createInterPodAffinityScore =
  (args: PluginArgs['InterPodAffinity']): SchedulerPlugin['score'] =>
  (pod, snapshot) => {
    if (args.ignorePreferredTermsOfExistingPods && pod.preferredAffinity.length === 0 && pod.preferredAntiAffinity.length === 0) return undefined;
    const counts = countPreferences(pod, snapshot, args);
    if (counts.empty) return undefined;
    const keys = [...counts.keys()];
    return {
      score({ labels }) {
        let sum = 0;
        for (const key of keys) {
          const value = labels[key];
          if (value !== undefined) sum += counts.at(key, value);
        }
        return sum;
      },
      normalize(scores, nodes) {
        let lowest = Number.POSITIVE_INFINITY;
        let highest = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < nodes.length; i++) {
          lowest = Math.min(lowest, scores[i]!);
          highest = Math.max(highest, scores[i]!);
        }
        const range = highest - lowest;
        for (let i = 0; i < nodes.length; i++) scores[i] = range > 0 ? Math.trunc(maxNodeScore * ((scores[i]! - lowest) / range)) : 0;
      },
    };
  };
