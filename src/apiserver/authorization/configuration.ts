/** `AuthorizationConfiguration` of apiserver.config.k8s.io: its shape, defaults and validation; and the same from single flags. */
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { parseDuration } from '../../apimachinery/duration.ts';
import { duplicate, type FieldError, type FieldPath, invalidValue, notSupported, path, required, tooMany } from '../../apimachinery/fieldpath.ts';
import { validateDnsSubdomain } from '../../apimachinery/names.ts';
import type { FileKind } from '../configuration/load.ts';
import { boolean, duration, listOf, object, root, string } from '../configuration/types.ts';
import { compileMatchCondition } from './webhook/conditions.ts';

export interface WebhookConfiguration {
  authorizedTTL: string;
  cacheAuthorizedRequests: boolean;
  unauthorizedTTL: string;
  cacheUnauthorizedRequests: boolean;
  timeout?: string;
  subjectAccessReviewVersion?: string;
  matchConditionSubjectAccessReviewVersion?: string;
  failurePolicy?: string;
  connectionInfo?: { type?: string; kubeConfigFile?: string };
  matchConditions?: { expression?: string }[];
}

export interface AuthorizationConfiguration {
  authorizers?: { type?: string; name?: string; webhook?: WebhookConfiguration }[];
}

const struct = root('AuthorizationConfiguration', {
  authorizers: listOf(
    object('AuthorizerConfiguration', {
      type: string,
      name: string,
      webhook: object('WebhookConfiguration', {
        authorizedTTL: duration,
        cacheAuthorizedRequests: boolean,
        unauthorizedTTL: duration,
        cacheUnauthorizedRequests: boolean,
        timeout: duration,
        subjectAccessReviewVersion: string,
        matchConditionSubjectAccessReviewVersion: string,
        failurePolicy: string,
        connectionInfo: object('WebhookConnectionInfo', { type: string, kubeConfigFile: string }),
        matchConditions: listOf(object('WebhookMatchCondition', { expression: string })),
      }),
    }),
  ),
});

export const authorizerTypes = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const;
const maxConditions = 64;
const maxTimeoutMs = 30_000;

/** In milliseconds; NaN for what is no duration. */
export function durationMs(text: string | undefined): number {
  try {
    return parseDuration(text ?? '0s');
  } catch {
    // Said by the caller, with the field.
    return Number.NaN;
  }
}

function checkDuration(text: string | undefined, at: FieldPath, most: number, detail: string): FieldError[] {
  const value = durationMs(text);
  if (value === 0) return [required(at)];
  return value > 0 && value <= most ? [] : [invalidValue(at, text, detail)];
}

function oneOf(value: string | undefined, at: FieldPath, allowed: readonly string[]): FieldError[] {
  if (!value) return [required(at)];
  return allowed.includes(value) ? [] : [notSupported(at, value, allowed)];
}

function checkConnection({ type, kubeConfigFile }: NonNullable<WebhookConfiguration['connectionInfo']>, at: FieldPath): FieldError[] {
  const [typeAt, fileAt] = [at.child('type'), at.child('kubeConfigFile')];
  const wrong = oneOf(type, typeAt, ['InClusterConfig', 'KubeConfigFile']);
  if (wrong.length > 0) return wrong;
  if (type === 'InClusterConfig') return kubeConfigFile === undefined ? [] : [invalidValue(fileAt, kubeConfigFile, 'can only be set when type=KubeConfigFile')];
  if (!kubeConfigFile) return [required(fileAt)];
  if (!isAbsolute(kubeConfigFile)) return [invalidValue(fileAt, kubeConfigFile, 'must be an absolute path')];
  try {
    return statSync(kubeConfigFile).isFile() ? [] : [invalidValue(fileAt, kubeConfigFile, 'must be a regular file')];
  } catch (error) {
    return [invalidValue(fileAt, kubeConfigFile, `error loading file: ${(error as Error).message}`)];
  }
}

function checkConditions(conditions: NonNullable<WebhookConfiguration['matchConditions']>, at: FieldPath): FieldError[] {
  if (conditions.length > maxConditions) return [tooMany(at, conditions.length, maxConditions)];
  const seen = new Set<string>();
  return conditions.flatMap(({ expression = '' }, index) => {
    const field = at.index(index).child('expression');
    if (expression.trim() === '') return [required(field)];
    if (seen.has(expression)) return [duplicate(field, expression)];
    seen.add(expression);
    try {
      compileMatchCondition(expression);
      return [];
    } catch (error) {
      return [invalidValue(field, expression, (error as Error).message)];
    }
  });
}

/** Fields of the webhook are named as upstream names them: without `webhook`. */
function checkWebhook(webhook: WebhookConfiguration, at: FieldPath): FieldError[] {
  const { matchConditions = [], matchConditionSubjectAccessReviewVersion: matchVersion } = webhook;
  const matchVersionAt = at.child('matchConditionSubjectAccessReviewVersion');
  return [
    ...checkDuration(webhook.timeout, at.child('timeout'), maxTimeoutMs, 'must be > 0s and <= 30s'),
    ...checkDuration(webhook.authorizedTTL, at.child('authorizedTTL'), Number.POSITIVE_INFINITY, 'must be > 0s'),
    ...checkDuration(webhook.unauthorizedTTL, at.child('unauthorizedTTL'), Number.POSITIVE_INFINITY, 'must be > 0s'),
    ...oneOf(webhook.subjectAccessReviewVersion, at.child('subjectAccessReviewVersion'), ['v1', 'v1beta1']),
    ...(matchVersion ? oneOf(matchVersion, matchVersionAt, ['v1']) : []),
    ...(!matchVersion && matchConditions.length > 0 ? [required(matchVersionAt, 'required if match conditions are specified')] : []),
    ...oneOf(webhook.failurePolicy, at.child('failurePolicy'), ['NoOpinion', 'Deny']),
    ...checkConnection(webhook.connectionInfo ?? {}, at.child('connectionInfo')),
    ...checkConditions(matchConditions, at.child('matchConditions')),
  ];
}

function validate({ authorizers = [] }: AuthorizationConfiguration): FieldError[] {
  if (authorizers.length === 0) return [required('authorizers', 'at least one authorization mode must be defined')];
  const types = new Set<string>();
  const names = new Set<string>();
  return authorizers.flatMap(({ type = '', name = '', webhook }, index) => {
    const at = path('authorizers').index(index);
    const wrongType = oneOf(type, at.child('type'), authorizerTypes);
    if (wrongType.length > 0) return wrongType;
    if (types.has(type) && type !== 'Webhook') return [duplicate(at.child('type'), type)];
    types.add(type);
    const errors: FieldError[] = [];
    const nameAt = at.child('name');
    const problems = name === '' ? [] : validateDnsSubdomain(name);
    if (name === '') errors.push(required(nameAt));
    else if (names.has(name)) errors.push(duplicate(nameAt, name));
    else if (problems.length > 0) errors.push(invalidValue(nameAt, name, `authorizer name is invalid: ${problems.join(', ')}`));
    names.add(name);
    if (type !== 'Webhook') return webhook ? [...errors, invalidValue(at.child('webhook'), 'non-null', 'may only be specified when type=Webhook')] : errors;
    return webhook ? [...errors, ...checkWebhook(webhook, at)] : [...errors, required(at.child('webhook'), 'required when type=Webhook')];
  });
}

export const authorizationFile: FileKind<AuthorizationConfiguration> = {
  flag: 'authorization-config',
  kind: 'AuthorizationConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1'],
  struct,
  setDefaults(config) {
    for (const { webhook } of config.authorizers ?? []) {
      if (!webhook) continue;
      if (durationMs(webhook.authorizedTTL) === 0) webhook.authorizedTTL = '5m';
      if (durationMs(webhook.unauthorizedTTL) === 0) webhook.unauthorizedTTL = '30s';
      webhook.cacheAuthorizedRequests ??= true;
      webhook.cacheUnauthorizedRequests ??= true;
    }
  },
  validate,
};

/** What `--authorization-mode` and `--authorization-webhook-*` say. */
export interface AuthorizationFlags {
  modes: readonly string[];
  webhookConfigFile?: string;
  webhookVersion?: string;
  webhookAuthorizedTtl?: string;
  webhookUnauthorizedTtl?: string;
}

/** The flags in the form of a file. Their webhook has no say when it fails, as upstream's. */
export const configurationOfFlags = (flags: AuthorizationFlags): AuthorizationConfiguration => ({
  authorizers: flags.modes.map((type) => ({
    type,
    name: type === 'Webhook' ? 'default' : type.toLowerCase(),
    ...(type === 'Webhook'
      ? {
          webhook: {
            authorizedTTL: flags.webhookAuthorizedTtl ?? '5m',
            cacheAuthorizedRequests: true,
            unauthorizedTTL: flags.webhookUnauthorizedTtl ?? '30s',
            cacheUnauthorizedRequests: true,
            timeout: '30s',
            failurePolicy: 'NoOpinion',
            subjectAccessReviewVersion: flags.webhookVersion ?? 'v1beta1',
            connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: flags.webhookConfigFile ?? '' },
          },
        }
      : {}),
  })),
});
