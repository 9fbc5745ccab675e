/** What webhooks must look like. Source of the rules: `pkg/apis/admissionregistration/validation`, apiserver `util/webhook`. */
import { deepEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDns1035Label } from '../../../../apimachinery/names.ts';
import { hasInvalidLabelValue, validateLabelSelector } from '../../../../apimachinery/selectors.ts';
import { checked, validateFullyQualifiedName } from '../../../../apimachinery/validation/common.ts';
import { validateWebhookService, validateWebhookUrl } from '../../../webhookclient.ts';
import type { MutatingWebhook, ValidatingWebhook, WebhookClientConfig } from '../types.gen.ts';
import { validateMatchConditions } from './expressions.ts';
import { failurePolicies, matchPolicies, validateRule } from './rules.ts';

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

const reviewVersions = ['v1', 'v1beta1'];
const withoutSideEffects = ['None', 'NoneOnDryRun'];
const allSideEffects = ['Unknown', 'None', 'Some', 'NoneOnDryRun'];
export const reinvocationPolicies = ['Never', 'IfNeeded'];

/** What an update must keep to: rules that the old webhooks broke are not asked of the new ones. */
interface Strictness {
  noSideEffects: boolean;
  knownReviewVersion: boolean;
  uniqueNames: boolean;
  allowInvalidLabelValueInSelector: boolean;
  sameConditions: boolean;
}

const knowsReview = ({ admissionReviewVersions = [] }: Webhook): boolean => admissionReviewVersions.some((version) => reviewVersions.includes(version));

function strictnessOf(webhooks: readonly Webhook[], old: readonly Webhook[] | undefined): Strictness {
  const before = old ?? [];
  return {
    noSideEffects: before.every(({ sideEffects }) => withoutSideEffects.includes(sideEffects)),
    knownReviewVersion: before.every((one) => knowsReview(one) || (one.admissionReviewVersions ?? []).length === 0),
    uniqueNames: new Set(before.map(({ name }) => name)).size === before.length,
    allowInvalidLabelValueInSelector: before.some((one) => hasInvalidLabelValue(one.namespaceSelector) || hasInvalidLabelValue(one.objectSelector)),
    sameConditions:
      old !== undefined &&
      old.length === webhooks.length &&
      old.every((one, index) => deepEqual(one.matchConditions ?? [], webhooks[index]?.matchConditions ?? [])),
  };
}

export function validateClientConfig({ url, service }: WebhookClientConfig, at: FieldPath): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(at, 'exactly one of url or service is required')];
  return service ? validateWebhookService(service, at.child('service')) : validateWebhookUrl(url as string, at.child('url'), true);
}

function validateReviewVersions(versions: readonly string[], known: boolean, at: FieldPath): FieldError[] {
  if (versions.length === 0) return [required(at, `must specify one of ${reviewVersions.join(', ')}`)];
  const errors = versions.flatMap((version, index) =>
    versions.indexOf(version) < index
      ? [invalidValue(at.index(index), version, 'duplicate version')]
      : checked(version, at.index(index), validateDns1035Label(version)),
  );
  if (!known || versions.some((version) => reviewVersions.includes(version))) return errors;
  return [...errors, invalidValue(at, versions, `must include at least one of ${reviewVersions.join(', ')}`)];
}

const oneOf = (value: string | undefined, values: readonly string[], at: FieldPath): FieldError[] =>
  value === undefined || values.includes(value) ? [] : [notSupported(at, value, values)];

function validateWebhook(webhook: Webhook, strictness: Strictness, at: FieldPath): FieldError[] {
  const { name, rules = [], sideEffects, timeoutSeconds } = webhook;
  const effects = strictness.noSideEffects ? withoutSideEffects : allSideEffects;
  const errors = [
    ...validateFullyQualifiedName(name ?? '', at.child('name')),
    ...rules.flatMap((rule, index) => validateRule(rule, at.child('rules').index(index))),
    ...oneOf(webhook.failurePolicy, failurePolicies, at.child('failurePolicy')),
    ...oneOf(webhook.matchPolicy, matchPolicies, at.child('matchPolicy')),
  ];
  if (sideEffects === undefined) errors.push(required(at.child('sideEffects'), `must specify one of ${effects.join(', ')}`));
  else errors.push(...oneOf(sideEffects, effects, at.child('sideEffects')));
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    errors.push(invalidValue(at.child('timeoutSeconds'), timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'));
  }
  errors.push(
    ...validateLabelSelector(webhook.namespaceSelector, strictness, at.child('namespaceSelector')),
    ...validateLabelSelector(webhook.objectSelector, strictness, at.child('objectSelector')),
    ...oneOf(webhook.reinvocationPolicy, reinvocationPolicies, at.child('reinvocationPolicy')),
    ...validateClientConfig(webhook.clientConfig ?? {}, at.child('clientConfig')),
  );
  return strictness.sameConditions ? errors : [...errors, ...validateMatchConditions(webhook.matchConditions, false, at.child('matchConditions'))];
}

/** `old` are the webhooks that stand, on an update. */
export function validateWebhooks(webhooks: readonly Webhook[] | undefined, old: readonly Webhook[] | undefined): FieldError[] {
  const list = webhooks ?? [];
  const strictness = strictnessOf(list, old);
  const seen = new Set<string>();
  return list.flatMap((webhook, index) => {
    const at = path('webhooks').index(index);
    const errors = [
      ...validateWebhook(webhook, strictness, at),
      ...validateReviewVersions(webhook.admissionReviewVersions ?? [], strictness.knownReviewVersion, at.child('admissionReviewVersions')),
    ];
    if (strictness.uniqueNames && webhook.name && seen.has(webhook.name)) errors.push(duplicate(at.child('name'), webhook.name));
    seen.add(webhook.name);
    return errors;
  });
}
