import { ageColumn, countColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { paramKindCell } from './columns.ts';
import { setMatchDefaults } from './defaults.ts';
import type { ValidatingAdmissionPolicy } from './types.gen.ts';
import { validatePolicyStatus, validateValidatingPolicy } from './validation/policies.ts';

export const validatingadmissionpolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  anyFinalizers: true,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  allowUnconditionalUpdate: false,
  hasGeneration: true,
  setDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail';
    setMatchDefaults(spec.matchConstraints);
  },
  validate: (policy) => validateValidatingPolicy(policy),
  validateUpdate: validateValidatingPolicy,
  columns: [
    nameColumn,
    countColumn('Validations', ({ spec }) => spec.validations?.length),
    textColumn('ParamKind', ({ spec }) => paramKindCell(spec.paramKind)),
    ageColumn,
  ],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate: keepMetadata,
      validateUpdate: validatePolicyStatus,
    },
  },
});
