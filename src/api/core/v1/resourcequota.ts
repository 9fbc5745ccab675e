import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourceQuota } from './types.gen.ts';

export const resourcequotas = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ResourceQuota',
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
