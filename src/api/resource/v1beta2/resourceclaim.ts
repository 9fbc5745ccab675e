import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourceClaim } from './types.gen.ts';

export const resourceclaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta2.ResourceClaim',
  offByDefault: true,
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
