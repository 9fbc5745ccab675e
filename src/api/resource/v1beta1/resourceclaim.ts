import { allVerbs, defineKind } from '../../kind.ts';
import { claimFromHub, claimToHub } from './conversion.ts';
import type { ResourceClaim } from './types.gen.ts';

export const resourceclaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta1.ResourceClaim',
  offByDefault: true,
  returnsDeletedObject: true,
  conversion: { hub: 'resource.k8s.io/v1/ResourceClaim', toHub: claimToHub, fromHub: claimFromHub },
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
