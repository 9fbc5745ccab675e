import { allVerbs, defineKind } from '../../kind.ts';
import type { PodGroup } from './types.gen.ts';

export const podgroups = defineKind<PodGroup>({
  group: 'scheduling.k8s.io',
  version: 'v1alpha2',
  kind: 'PodGroup',
  plural: 'podgroups',
  singular: 'podgroup',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.scheduling.v1alpha2.PodGroup',
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
