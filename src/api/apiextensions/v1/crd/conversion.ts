/** How objects are converted between versions. Source of the rules: upstream's `apiextensions/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDns1035Label } from '../../../../apimachinery/names.ts';
import { validateWebhookService, validateWebhookUrl } from '../../../webhookclient.ts';
import type { CustomResourceConversion, WebhookClientConfig } from '../types.gen.ts';

const known = ['v1', 'v1beta1'];

function validateReviewVersions(versions: readonly string[], old: readonly string[], at: FieldPath): FieldError[] {
  if (versions.length === 0) return [required(at)];
  const errors: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) errors.push(invalidValue(at.index(index), version, 'duplicate version'));
    else errors.push(...validateDns1035Label(version).map((wrong) => invalidValue(at.index(index), version, wrong)));
  }
  const strict = old.length === 0 || old.some((version) => known.includes(version));
  if (strict && !versions.some((version) => known.includes(version))) {
    errors.push(invalidValue(at, versions, `must include at least one of ${known.join(', ')}`));
  }
  return errors;
}

function validateClient({ url, service }: WebhookClientConfig, at: FieldPath): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(at, 'exactly one of url or service is required')];
  return service ? validateWebhookService(service, at.child('service')) : validateWebhookUrl(url as string, at.child('url'), true);
}

/** `old` is what stands, on an update. The parts of `webhook` stand beside `strategy` in upstream's paths. */
export function validateConversion(conversion: CustomResourceConversion | undefined, old: CustomResourceConversion | undefined, at: FieldPath): FieldError[] {
  if (!conversion) return [];
  const { strategy, webhook } = conversion;
  const clientAt = at.child('webhookClientConfig');
  const versionsAt = at.child('conversionReviewVersions');
  const errors: FieldError[] = [];
  if (!strategy) errors.push(required(at.child('strategy')));
  else if (strategy !== 'None' && strategy !== 'Webhook') errors.push(notSupported(at.child('strategy'), strategy, ['None', 'Webhook']));
  if (strategy === 'Webhook') {
    errors.push(...(webhook?.clientConfig ? validateClient(webhook.clientConfig, clientAt) : [required(clientAt, 'required when strategy is set to Webhook')]));
    return [...errors, ...validateReviewVersions(webhook?.conversionReviewVersions ?? [], old?.webhook?.conversionReviewVersions ?? [], versionsAt)];
  }
  const unexpected = 'should not be set when strategy is not set to Webhook';
  if (webhook?.clientConfig) errors.push(forbiddenField(clientAt, unexpected));
  if (webhook?.conversionReviewVersions?.length) errors.push(forbiddenField(versionsAt, unexpected));
  return errors;
}
