/** The declaration of Service; its rules are in `service/`. */

import { labelName } from '../../../apimachinery/names.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { serviceColumns } from './service/columns.ts';
import { setServiceDefaults } from './service/defaults.ts';
import { prepareServiceForCreate, prepareServiceForUpdate, prepareServiceStatusForUpdate } from './service/prepare.ts';
import { validateService, validateServiceStatusUpdate, validateServiceUpdate } from './service/validation.ts';
import { serviceStatusWarnings, serviceWarnings } from './service/warnings.ts';
import type { Service } from './types.gen.ts';

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Service',
  returnsDeletedObject: true,
  allowCreateOnUpdate: true,
  validateName: labelName,
  setDefaults: setServiceDefaults,
  prepareForCreate: prepareServiceForCreate,
  prepareForUpdate: prepareServiceForUpdate,
  validate: (service) => validateService(service),
  validateUpdate: validateServiceUpdate,
  warnings: serviceWarnings,
  columns: serviceColumns,
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
  subresources: {
    proxy: { type: 'custom', verbs: ['create', 'delete', 'get', 'patch', 'update'], responseKind: { group: '', version: 'v1', kind: 'ServiceProxyOptions' } },
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      prepareForUpdate: prepareServiceStatusForUpdate,
      validateUpdate: validateServiceStatusUpdate,
      warnings: serviceStatusWarnings,
    },
  },
});
