import { allVerbs, defineKind } from '../../kind.ts';
import { templateFromHub, templateToHub } from './conversion.ts';
import type { ResourceClaimTemplate } from './types.gen.ts';

export const resourceclaimtemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta1.ResourceClaimTemplate',
  offByDefault: true,
  returnsDeletedObject: true,
  conversion: { hub: 'resource.k8s.io/v1/ResourceClaimTemplate', toHub: templateToHub, fromHub: templateFromHub },
});
