import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { paramRefCell } from './columns.ts';
import { setMatchDefaults } from './defaults.ts';
import type { MutatingAdmissionPolicyBinding } from './types.gen.ts';
import { validateMutatingBinding } from './validation/policies.ts';

export const mutatingadmissionpolicybindings = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  singular: 'mutatingadmissionpolicybinding',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  anyFinalizers: true,
  storedUpstreamAs: 'v1beta1',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  allowUnconditionalUpdate: false,
  hasGeneration: true,
  setDefaults({ spec }) {
    setMatchDefaults(spec.matchResources);
  },
  validate: validateMutatingBinding,
  validateUpdate: validateMutatingBinding,
  columns: [
    nameColumn,
    textColumn('PolicyName', ({ spec }) => spec.policyName ?? ''),
    textColumn('ParamRef', ({ spec }) => paramRefCell(spec.paramRef)),
    ageColumn,
  ],
});
