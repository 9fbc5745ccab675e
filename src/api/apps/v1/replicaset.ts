import { allVerbs, defineKind } from '../../kind.ts';
import type { ReplicaSet } from './types.gen.ts';

export const replicasets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.ReplicaSet',
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
