/** NodeAffinity: `nodeSelector`, required node affinity, and preferred node affinity as a score. */
import { nodeLike, nodeSelectorTest, preferredNodeScore, requiredNodeTest } from '../../api/core/v1/nodeselector.ts';
import type { NodeSelectorTerm, Pod } from '../../api/core/v1/types.gen.ts';
import type { PluginArgs } from '../config/types.ts';
import { normalizeByHighest, type SchedulerPlugin, unresolvable } from '../framework/plugin.ts';

const name = 'NodeAffinity';
const rejection = unresolvable(name, "node(s) didn't match Pod's node affinity/selector");
const enforced = unresolvable(name, "node(s) didn't match scheduler-enforced node affinity");

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

/** `addedAffinity` holds for every pod of the profile besides its own. */
export function createNodeAffinity({ addedAffinity }: PluginArgs['NodeAffinity']): SchedulerPlugin {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedTest = added && nodeSelectorTest(added);
  const addedScore = preferredNodeScore(addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution);
  return {
    filter({ pod }) {
      const test = requiredNodeTest(pod);
      if (!test) return addedTest && { filter: (node) => (addedTest(node) ? undefined : enforced) };
      const nodeNames = namedNodes(pod);
      if (nodeNames?.size === 0) return unresolvable(name, 'pod affinity terms conflict');
      return {
        filter(node) {
          if (addedTest && !addedTest(node)) return enforced;
          return test(node) ? undefined : rejection;
        },
        ...(nodeNames ? { nodeNames } : {}),
      };
    },
    score({ pod }) {
      const own = preferredNodeScore(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution);
      if (!own && !addedScore) return undefined;
      return { score: (node) => (own?.(node) ?? 0) + (addedScore?.(node) ?? 0), normalize: (scores) => normalizeByHighest(scores, false) };
    },
    wakes: addedTest
      ? [{ on: 'node/add' }, { on: 'node/labels' }]
      : [
          { on: 'node/add', helps: (pod, event) => event.resource === 'node' && matches(pod, event.object) },
          { on: 'node/labels', helps: (pod, event) => event.resource === 'node' && matches(pod, event.object) && !matches(pod, event.old) },
        ],
  };
}
