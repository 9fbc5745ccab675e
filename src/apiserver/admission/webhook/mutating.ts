/** MutatingAdmissionWebhook: webhooks that may change the object, one after the other. */
import { mutatingwebhookconfigurations } from '../../../api/admissionregistration/v1/mutatingwebhookconfiguration.ts';
import type { MutatingWebhook } from '../../../api/admissionregistration/v1/types.gen.ts';
import { copyJson } from '../../../apimachinery/copy.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import { internalError, StatusError } from '../../../apimachinery/errors.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { applyJsonPatch } from '../../../apimachinery/patch/json.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../contracts.ts';
import { isExempt } from '../matching/rules.ts';
import { replaceObject, versionedRequest } from '../matching/versions.ts';
import type { WebhookTransport } from './call.ts';
import { denied, failedClosed, WebhookCallError } from './errors.ts';
import { askWebhook } from './review.ts';
import { type Selected, selectHook, type WebhookDependencies } from './select.ts';
import { createHookSource } from './source.ts';

export interface MutatingDependencies extends WebhookDependencies {
  transport: WebhookTransport;
  /** Runs the plugins before this one again: they see what webhooks added. */
  reinvoke(attributes: AdmissionAttributes): Promise<void>;
}

const auditKey = (prefix: string, round: number, index: number): string => `${prefix}mutation.webhook.admission.k8s.io/round_${round}_index_${index}`;

export function mutatingWebhooks(dependencies: MutatingDependencies): AdmissionPlugin {
  const { reader, registry, transport, reinvoke } = dependencies;
  const source = createHookSource<MutatingWebhook>(reader, mutatingwebhookconfigurations);

  function applyPatch(attributes: AdmissionAttributes, { hook, definition, versioned }: Selected<MutatingWebhook>, patch: unknown[]): boolean {
    if (!attributes.object || !versioned.object)
      throw internalError(
        new Error(`admission webhook ${JSON.stringify(hook.webhook.name)} attempted to modify the object, which is not supported for this operation`),
      );
    const before = copyJson(attributes.object);
    try {
      replaceObject(registry, attributes, definition, applyJsonPatch(copyJson(versioned.object), patch) as KubeObject);
    } catch (error) {
      throw error instanceof StatusError && error.code >= 500 ? error : internalError(error);
    }
    return !semanticEqual(before, attributes.object);
  }

  /** Whether the webhook changed the object. */
  async function ask(attributes: AdmissionAttributes, selected: Selected<MutatingWebhook>, round: number, index: number): Promise<boolean> {
    const { webhook, configuration } = selected.hook;
    const requested = versionedRequest(registry, attributes, attributes.definition);
    let changed = false;
    try {
      const verdict = await askWebhook(transport, webhook, attributes, selected.versioned, requested, true);
      if (!verdict.allowed) throw denied(webhook.name, verdict.status);
      if (verdict.patch) changed = applyPatch(attributes, selected, verdict.patch);
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      if (webhook.failurePolicy !== 'Ignore') throw failedClosed(error);
      attributes.annotate(auditKey('failed-open.', round, index), webhook.name);
      return false;
    }
    attributes.annotate(auditKey('', round, index), JSON.stringify({ configuration, webhook: webhook.name, mutated: changed }));
    return changed;
  }

  return {
    name: 'MutatingAdmissionWebhook',
    handles: (attributes) => source.hooks().length > 0 && !isExempt(attributes),
    showsObjects: true,
    async admit(attributes) {
      await source.ready;
      /** Webhooks that want to see what came after them, and have not yet. */
      const waiting = new Set<string>();
      const again = new Set<string>();
      let anyChanged = false;
      const round = async (number: number, eligible: (id: string) => boolean): Promise<void> => {
        for (const [index, hook] of source.hooks().entries()) {
          if (!eligible(hook.id)) continue;
          const selected = await selectHook(hook, attributes, versionedRequest(registry, attributes, attributes.definition), dependencies);
          if (!selected) continue;
          if (await ask(attributes, selected, number, index)) {
            anyChanged = true;
            for (const id of waiting) again.add(id);
          }
          if (hook.webhook.reinvocationPolicy === 'IfNeeded') waiting.add(hook.id);
        }
      };
      await round(0, () => true);
      if (!anyChanged) return;
      const before = copyJson(attributes.object);
      await reinvoke(attributes);
      if (!semanticEqual(before, attributes.object)) for (const id of waiting) again.add(id);
      if (again.size > 0) await round(1, (id) => again.has(id));
    },
  };
}
