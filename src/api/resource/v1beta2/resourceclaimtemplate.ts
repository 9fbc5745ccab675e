import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourceClaimTemplate } from './types.gen.ts';

export const resourceclaimtemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta2.ResourceClaimTemplate',
  offByDefault: true,
  returnsDeletedObject: true,
});
