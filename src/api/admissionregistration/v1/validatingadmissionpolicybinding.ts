import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { paramRefCell } from './columns.ts';
import { setMatchDefaults } from './defaults.ts';
import type { ValidatingAdmissionPolicyBinding } from './types.gen.ts';
import { validateValidatingBinding } from './validation/policies.ts';

export const validatingadmissionpolicybindings = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  anyFinalizers: true,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  allowUnconditionalUpdate: false,
  hasGeneration: true,
  setDefaults({ spec }) {
    setMatchDefaults(spec.matchResources);
  },
  validate: validateValidatingBinding,
  validateUpdate: validateValidatingBinding,
  columns: [
    nameColumn,
    textColumn('PolicyName', ({ spec }) => spec.policyName ?? ''),
    textColumn('ParamRef', ({ spec }) => paramRefCell(spec.paramRef)),
    ageColumn,
  ],
});
