/** The declaration of PersistentVolumeClaim; its rules are in `persistentvolumeclaim/`. */

import { path } from '../../../apimachinery/fieldpath.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { claimColumns } from './persistentvolume/columns.ts';
import { prepareDataSources } from './persistentvolumeclaim/datasource.ts';
import { validateClaimStatusUpdate, validateClaimUpdate } from './persistentvolumeclaim/updatevalidation.ts';
import { validateClaimSpec } from './persistentvolumeclaim/validation.ts';
import { claimWarnings } from './persistentvolumeclaim/warnings.ts';
import { setResourceListDefaults } from './podtemplate/resourcelist.ts';
import { setClaimSpecDefaults } from './podtemplate/volumedefaults.ts';
import type { PersistentVolumeClaim } from './types.gen.ts';

export const persistentvolumeclaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  returnsDeletedObject: true,
  setDefaults(claim) {
    claim.spec ??= {};
    setClaimSpecDefaults(claim.spec);
    if (!claim.status) return;
    claim.status.phase ||= 'Pending';
    setResourceListDefaults(claim.status.capacity);
    setResourceListDefaults(claim.status.allocatedResources);
  },
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' };
    prepareDataSources(claim.spec ?? {});
  },
  prepareForUpdate: (claim, old) => prepareDataSources(claim.spec ?? {}, old.spec),
  validate: ({ spec }) => validateClaimSpec(spec ?? {}, path('spec')),
  validateUpdate: validateClaimUpdate,
  warnings: claimWarnings,
  columns: claimColumns,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validateClaimStatusUpdate },
  },
});
