import { allVerbs, defineKind } from '../../kind.ts';
import type { MutatingAdmissionPolicy } from './types.gen.ts';

export const mutatingadmissionpolicies = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1beta1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  singular: 'mutatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.admissionregistration.v1beta1.MutatingAdmissionPolicy',
  offByDefault: true,
});
