/** InterPodAffinity, as a score: preferences of the pod for pods that are there, and theirs for it. */
import type { PluginArgs } from '../config/types.ts';
import { maxNodeScore, type SchedulerPlugin, type Snapshot } from '../framework/plugin.ts';
import type { TermKind } from '../state/podindex.ts';
import type { PodInfo } from '../state/podinfo.ts';
import { countMatching, namespaceLabels } from './interpodaffinity.ts';
import { TopologyCounts } from './topologycounts.ts';

/** `hardPodAffinityWeight`: a pod with required affinity was placed near such pods, so it likes this one too. */
function countPreferences(pod: PodInfo, snapshot: Snapshot, { hardPodAffinityWeight }: PluginArgs['InterPodAffinity']): TopologyCounts {
  const counts = new TopologyCounts();
  const labels = namespaceLabels(snapshot, pod.namespace);
  const countTheirs = (kind: TermKind, factor: number): void => {
    if (factor === 0) return;
    for (const { term, counts: owners } of snapshot.terms(kind)) {
      if (term.matches(pod, labels)) counts.include(term.topologyKey, owners.domains(term.topologyKey), factor);
    }
  };
  countTheirs('requiredAffinity', hardPodAffinityWeight);
  countTheirs('preferredAffinity', 1);
  countTheirs('preferredAntiAffinity', -1);
  for (const term of pod.preferredAffinity) counts.include(term.topologyKey, countMatching([term], snapshot).domains(term.topologyKey), term.weight);
  for (const term of pod.preferredAntiAffinity) counts.include(term.topologyKey, countMatching([term], snapshot).domains(term.topologyKey), -term.weight);
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
