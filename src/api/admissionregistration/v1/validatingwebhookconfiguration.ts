import { allVerbs, defineKind } from '../../kind.ts';
import type { ValidatingWebhookConfiguration } from './types.gen.ts';

export const validatingwebhookconfigurations = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
});
