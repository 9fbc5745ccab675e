/** The declaration of ResourceQuota; its rules are in `resourcequota/`. */
import { allVerbs, defineKind } from '../../kind.ts';
import { setResourceListDefaults } from './podtemplate/resourcelist.ts';
import { quotaColumns, quotaWarnings } from './resourcequota/columns.ts';
import { validateQuota, validateQuotaStatusUpdate, validateQuotaUpdate } from './resourcequota/validation.ts';
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
  setDefaults({ spec, status }) {
    for (const list of [spec?.hard, status?.hard, status?.used]) setResourceListDefaults(list);
  },
  prepareForCreate(quota) {
    quota.status = {};
  },
  validate: validateQuota,
  validateUpdate: validateQuotaUpdate,
  warnings: (quota, old) => (old ? [] : quotaWarnings(quota)),
  columns: quotaColumns,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validateQuotaStatusUpdate },
  },
});
