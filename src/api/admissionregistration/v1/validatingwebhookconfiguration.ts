import { ageColumn, countColumn, nameColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { setWebhookDefaults } from './defaults.ts';
import type { ValidatingWebhookConfiguration } from './types.gen.ts';
import { validateWebhooks } from './validation/webhooks.ts';

export const validatingwebhookconfigurations = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  anyFinalizers: true,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  allowUnconditionalUpdate: false,
  hasGeneration: true,
  setDefaults({ webhooks }) {
    for (const webhook of webhooks ?? []) setWebhookDefaults(webhook);
  },
  validate: ({ webhooks }) => validateWebhooks(webhooks, undefined),
  validateUpdate: ({ webhooks }, old) => validateWebhooks(webhooks, old.webhooks ?? []),
  columns: [nameColumn, countColumn('Webhooks', ({ webhooks }) => webhooks?.length), ageColumn],
});
