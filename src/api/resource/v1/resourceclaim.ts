import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourceClaim } from './types.gen.ts';

export const resourceclaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1.ResourceClaim',
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
