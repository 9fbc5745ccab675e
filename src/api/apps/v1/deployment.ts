import { allVerbs, defineKind } from '../../kind.ts';
import type { Deployment } from './types.gen.ts';

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.Deployment',
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
