/** TaintToleration: taints keep away pods that don't tolerate them; `PreferNoSchedule` does so softly. */
import { findUntoleratedTaint, isTolerated, schedulingEffects } from '../../api/core/v1/taints.ts';
import { type FilterPlugin, normalizeByHighest, type ScorePlugin, unresolvable } from '../framework/plugin.ts';

const name = 'TaintToleration';
const rejection = unresolvable(name, 'node(s) had untolerated taint(s)');

export const taintToleration: FilterPlugin = {
  name,
  prepare({ pod }, snapshot) {
    if (!snapshot.anyTainted) return undefined;
    const tolerations = pod.spec.tolerations;
    return {
      filter({ node }) {
        const { taints } = node.spec;
        return taints && taints.length > 0 && findUntoleratedTaint(taints, tolerations, schedulingEffects) ? rejection : undefined;
      },
    };
  },
  wakes: [
    { on: 'node/add', helps: (pod, event) => event.resource === 'node' && tolerated(event.object, pod.spec.tolerations) },
    {
      on: 'node/taints',
      helps: (pod, event) => event.resource === 'node' && tolerated(event.object, pod.spec.tolerations) && !tolerated(event.old, pod.spec.tolerations),
    },
    { on: 'self/tolerations' },
  ],
};

const tolerated = (
  node: { spec: { taints?: Parameters<typeof findUntoleratedTaint>[0] } } | undefined,
  tolerations: Parameters<typeof isTolerated>[1],
): boolean => !findUntoleratedTaint(node?.spec.taints, tolerations, schedulingEffects);

export const taintScore: ScorePlugin = {
  name,
  prepare({ pod }, _snapshot, nodes) {
    const soft = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule');
    // Without such a taint anywhere every node gets the same.
    if (!nodes.some(({ node }) => node.spec.taints?.some((taint) => taint.effect === 'PreferNoSchedule'))) return undefined;
    return {
      score: ({ node }) => (node.spec.taints ?? []).filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, soft)).length,
      normalize: (scores) => normalizeByHighest(scores, true),
    };
  },
};
