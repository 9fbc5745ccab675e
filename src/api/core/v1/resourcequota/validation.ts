/** Validation of a resource quota. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import { own } from '../../../../apimachinery/own.ts';
import { immutableMessage } from '../../../../apimachinery/validation/common.ts';
import { isStandardQuotaResource, validateResourceName, validateResourceQuantity } from '../resourcenames.ts';
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../types.gen.ts';

const podCounts: readonly string[] = ['pods'];
const podResources: readonly string[] = ['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
const claimResources: readonly string[] = ['persistentvolumeclaims', 'requests.storage'];

/** What each scope can limit. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: podResources,
  NotTerminating: podResources,
  BestEffort: podCounts,
  NotBestEffort: podResources,
  PriorityClass: podResources,
  CrossNamespacePodAffinity: podResources,
  VolumeAttributesClass: claimResources,
};
/** Either a pod is in such a scope or it isn't: there is nothing to compare. */
const withoutValues: readonly string[] = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];
const exclusive: readonly (readonly [string, string])[] = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
];

/** A name that can stand in a quota: a standard one, or one with a domain. */
export function validateQuotaResourceName(name: string, at: FieldPath): FieldError[] {
  const errors = validateResourceName(name, at);
  return name.includes('/') || isStandardQuotaResource(name) ? errors : [...errors, invalidValue(at, name, 'must be a standard resource for quota')];
}

const validateList = (list: Readonly<Record<string, string | number>> | undefined, at: FieldPath): FieldError[] =>
  Object.entries(list ?? {}).flatMap(([name, amount]) => [
    ...validateQuotaResourceName(name, at.key(name)),
    ...validateResourceQuantity(name, amount, at.key(name)),
  ]);

/** The standard resources of the quota that the scope has nothing to say about. */
const outOfScope = (scope: string, { hard = {} }: ResourceQuotaSpec): string[] =>
  Object.keys(hard).filter((name) => isStandardQuotaResource(name) && own(scopes, scope)?.includes(name) === false);

const conflicts = (names: readonly string[]): number => exclusive.filter((pair) => pair.every((name) => names.includes(name))).length;

function validateScopes(spec: ResourceQuotaSpec, at: FieldPath): FieldError[] {
  const names = spec.scopes ?? [];
  const wrong = (why: string): FieldError => invalidValue(at, names, why);
  const errors = names.flatMap((scope) => [
    ...(own(scopes, scope) ? [] : [wrong('unsupported scope')]),
    ...outOfScope(scope, spec).map(() => wrong('unsupported scope applied to resource')),
  ]);
  return [...errors, ...Array.from({ length: conflicts(names) }, () => wrong('conflicting scopes'))];
}

function validateRequirement(requirement: ScopedResourceSelectorRequirement, spec: ResourceQuotaSpec, at: FieldPath): FieldError[] {
  const { scopeName = '', operator = '', values = [] } = requirement;
  const errors = own(scopes, scopeName) ? [] : [invalidValue(at.child('scopeName'), scopeName, 'unsupported scope')];
  errors.push(...outOfScope(scopeName, spec).map(() => invalidValue(at, spec.scopeSelector, 'unsupported scope applied to resource')));
  if (withoutValues.includes(scopeName) && operator !== 'Exists') {
    const those = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort'].map((name) => `ResourceQuotaScope${name}`).join(', ');
    const why = `must be 'Exists' when scope is any of ${those} or ResourceQuotaScopeCrossNamespacePodAffinity`;
    errors.push(invalidValue(at.child('operator'), operator, why));
  }
  if (operator === 'In' || operator === 'NotIn') {
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.push(required(at.child('values'), why));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.push(invalidValue(at.child('values'), values, why));
  } else errors.push(invalidValue(at.child('operator'), operator, 'not a valid selector operator'));
  return errors;
}

function validateScopeSelector(spec: ResourceQuotaSpec, at: FieldPath): FieldError[] {
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  const errors = requirements.flatMap((requirement) => validateRequirement(requirement, spec, at));
  const count = conflicts(requirements.map(({ scopeName }) => scopeName));
  return [...errors, ...Array.from({ length: count }, () => invalidValue(at, spec.scopes ?? null, 'conflicting scopes'))];
}

export function validateQuota({ spec = {} }: ResourceQuota): FieldError[] {
  const at = path('spec');
  return [
    ...validateList(spec.hard, at.child('hard')),
    ...validateScopes(spec, at.child('scopes')),
    ...validateScopeSelector(spec, at.child('scopeSelector', 'matchExpressions')),
  ];
}

export function validateQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): FieldError[] {
  const now = quota.spec?.scopes ?? [];
  const before = new Set(old.spec?.scopes ?? []);
  const same = before.size === new Set(now).size && now.every((scope) => before.has(scope));
  return [...validateQuota(quota), ...(same ? [] : [invalidValue(path('spec', 'scopes'), quota.spec?.scopes ?? null, immutableMessage)])];
}

export const validateQuotaStatusUpdate = ({ status }: ResourceQuota): FieldError[] => [
  ...validateList(status?.hard, path('status', 'hard')),
  ...validateList(status?.used, path('status', 'used')),
];
