import { allVerbs, defineKind } from '../../kind.ts';
import type { ValidatingAdmissionPolicy } from './types.gen.ts';

export const validatingadmissionpolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
