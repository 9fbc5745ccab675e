import { allVerbs, defineKind } from '../../kind.ts';
import type { StatefulSet } from './types.gen.ts';

export const statefulsets = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.StatefulSet',
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
