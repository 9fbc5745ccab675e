/** NodeAffinity: `nodeSelector`, required node affinity, and preferred node affinity as a score. */
import { nodeLike, preferredNodeScore, requiredNodeTest } from '../../api/core/v1/nodeselector.ts';
import type { NodeSelectorTerm, Pod } from '../../api/core/v1/types.gen.ts';
import { type FilterPlugin, normalizeByHighest, type ScorePlugin, unresolvable } from '../framework/plugin.ts';

const name = 'NodeAffinity';
const rejection = unresolvable(name, "node(s) didn't match Pod's node affinity/selector");

/** Names that a term asks for; undefined when it asks for none. */
function namesOf(term: NodeSelectorTerm): Set<string> | undefined {
  const sets = (term.matchFields ?? []).filter(({ key, operator }) => key === 'metadata.name' && operator === 'In').map(({ values }) => values ?? []);
  const [first, ...others] = sets;
  return first && new Set(first.filter((name) => others.every((names) => names.includes(name))));
}

/** Nodes that are named by every term; undefined when some term is open. As DaemonSet pods have it, one node instead of all is looked at. */
function namedNodes(pod: Pod): Set<string> | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  let names: Set<string> | undefined;
  for (const term of terms) {
    const own = namesOf(term);
    if (!own) return undefined;
    names = new Set([...(names ?? []), ...own]);
  }
  return names;
}

const matches = (pod: Pod, node: Parameters<typeof nodeLike>[0] | undefined): boolean => !!node && (requiredNodeTest(pod)?.(nodeLike(node)) ?? true);

export const nodeAffinity: FilterPlugin = {
  name,
  prepare({ pod }) {
    const test = requiredNodeTest(pod);
    if (!test) return undefined;
    const nodeNames = namedNodes(pod);
    if (nodeNames?.size === 0) return unresolvable(name, 'pod affinity terms conflict');
    return { filter: (node) => (test(node) ? undefined : rejection), ...(nodeNames ? { nodeNames } : {}) };
  },
  wakes: [
    { on: 'node/add', helps: (pod, event) => event.resource === 'node' && matches(pod, event.object) },
    { on: 'node/labels', helps: (pod, event) => event.resource === 'node' && matches(pod, event.object) && !matches(pod, event.old) },
  ],
};

export const nodeAffinityScore: ScorePlugin = {
  name,
  weight: 2,
  prepare({ pod }) {
    const score = preferredNodeScore(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution);
    return score && { score, normalize: (scores) => normalizeByHighest(scores, false) };
  },
};
