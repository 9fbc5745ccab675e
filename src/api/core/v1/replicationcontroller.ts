import { allVerbs, defineKind } from '../../kind.ts';
import type { ReplicationController } from './types.gen.ts';

export const replicationcontrollers = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ReplicationController',
  garbageCollection: 'orphan',
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
