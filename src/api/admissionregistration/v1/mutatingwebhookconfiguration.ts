import { allVerbs, defineKind } from '../../kind.ts';
import type { MutatingWebhookConfiguration } from './types.gen.ts';

export const mutatingwebhookconfigurations = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration',
});
