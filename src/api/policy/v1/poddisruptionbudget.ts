import { allVerbs, defineKind } from '../../kind.ts';
import type { PodDisruptionBudget } from './types.gen.ts';

export const poddisruptionbudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
