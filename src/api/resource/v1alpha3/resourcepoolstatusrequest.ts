import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourcePoolStatusRequest } from './types.gen.ts';

export const resourcepoolstatusrequests = defineKind<ResourcePoolStatusRequest>({
  group: 'resource.k8s.io',
  version: 'v1alpha3',
  kind: 'ResourcePoolStatusRequest',
  plural: 'resourcepoolstatusrequests',
  singular: 'resourcepoolstatusrequest',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequest',
  allowUnconditionalUpdate: false,
  returnsDeletedObject: true,
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
