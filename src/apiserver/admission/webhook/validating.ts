/** ValidatingAdmissionWebhook: webhooks that say yes or no, all at once. */
import type { ValidatingWebhook } from '../../../api/admissionregistration/v1/types.gen.ts';
import { validatingwebhookconfigurations } from '../../../api/admissionregistration/v1/validatingwebhookconfiguration.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../contracts.ts';
import { isExempt } from '../matching/rules.ts';
import { type VersionedRequest, versionedRequest } from '../matching/versions.ts';
import type { WebhookTransport } from './call.ts';
import { denied, failedClosed, WebhookCallError } from './errors.ts';
import { askWebhook } from './review.ts';
import { type Selected, selectHook, type WebhookDependencies } from './select.ts';
import { createHookSource } from './source.ts';

export function validatingWebhooks(dependencies: WebhookDependencies & { transport: WebhookTransport }): AdmissionPlugin {
  const { reader, registry, transport } = dependencies;
  const source = createHookSource<ValidatingWebhook>(reader, validatingwebhookconfigurations);

  async function ask(
    attributes: AdmissionAttributes,
    { hook: { webhook }, versioned }: Selected<ValidatingWebhook>,
    requested: VersionedRequest,
    index: number,
  ): Promise<void> {
    try {
      const verdict = await askWebhook(transport, webhook, attributes, versioned, requested, false);
      if (!verdict.allowed) throw denied(webhook.name, verdict.status);
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      if (webhook.failurePolicy !== 'Ignore') throw failedClosed(error);
      attributes.annotate(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, webhook.name);
    }
  }

  return {
    name: 'ValidatingAdmissionWebhook',
    handles: (attributes) => source.hooks().length > 0 && !isExempt(attributes),
    showsObjects: true,
    async validate(attributes) {
      await source.ready;
      const requested = versionedRequest(registry, attributes, attributes.definition);
      const selected: Selected<ValidatingWebhook>[] = [];
      for (const hook of source.hooks()) {
        const one = await selectHook(hook, attributes, requested, dependencies);
        if (one) selected.push(one);
      }
      const results = await Promise.allSettled(selected.map((one, index) => ask(attributes, one, requested, index)));
      const failure = results.find((result) => result.status === 'rejected');
      if (failure) throw failure.reason;
    },
  };
}
