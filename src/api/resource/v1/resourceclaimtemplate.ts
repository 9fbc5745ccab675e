import { path } from '../../../apimachinery/fieldpath.ts';
import { validateImmutable } from '../../../apimachinery/validation/common.ts';
import { validateTemplateMetadata } from '../../../apimachinery/validation/objectmeta.ts';
import { ageColumn, nameColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { setClaimDefaults } from './defaults.ts';
import { templateValue } from './shown.ts';
import type { ResourceClaimTemplate } from './types.gen.ts';
import { validateDeviceClaim } from './validation/claim.ts';

const at = path('spec');

export const resourceclaimtemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1.ResourceClaimTemplate',
  returnsDeletedObject: true,
  setDefaults: ({ spec }) => setClaimDefaults(spec.spec?.devices),
  validate: ({ spec }) => [
    ...validateTemplateMetadata(spec.metadata, at.child('metadata')),
    ...validateDeviceClaim(spec.spec?.devices, at.child('spec', 'devices')),
  ],
  validateUpdate: ({ spec }, old) => validateImmutable(spec, old.spec, at, templateValue),
  columns: [nameColumn, ageColumn],
});
