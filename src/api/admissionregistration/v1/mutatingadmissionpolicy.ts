import { ageColumn, countColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { paramKindCell } from './columns.ts';
import { setMatchDefaults } from './defaults.ts';
import type { MutatingAdmissionPolicy } from './types.gen.ts';
import { validateMutatingPolicy } from './validation/policies.ts';

export const mutatingadmissionpolicies = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  singular: 'mutatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  anyFinalizers: true,
  storedUpstreamAs: 'v1beta1',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy',
  allowUnconditionalUpdate: false,
  hasGeneration: true,
  setDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail';
    setMatchDefaults(spec.matchConstraints);
  },
  validate: (policy) => validateMutatingPolicy(policy),
  validateUpdate: validateMutatingPolicy,
  columns: [
    nameColumn,
    countColumn('Mutations', ({ spec }) => spec.mutations?.length),
    textColumn('ParamKind', ({ spec }) => paramKindCell(spec.paramKind)),
    ageColumn,
  ],
});
