/** Validation of tolerations, topology spread, gates and claims. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, notSupportedInOrder, required, unnamedField } from '../../../../../apimachinery/fieldpath.ts';
import { subdomainName, validateLabelValue } from '../../../../../apimachinery/names.ts';
import { validateLabelSelector } from '../../../../../apimachinery/selectors.ts';
import { checked, validateDnsLabelField, validateLabelName, validateQualifiedNameField } from '../../../../../apimachinery/validation/common.ts';
import { validateTaintEffect } from '../../node/taints.ts';
import type { PodSpec, Toleration, TopologySpreadConstraint } from '../../types.gen.ts';
import { validateLabelKeys } from './affinity.ts';
import type { PodSpecOptions } from './options.ts';

function validateToleration(toleration: Toleration, path: FieldPath): FieldError[] {
  const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
  const at = path.child('operator');
  const errors = key === '' ? [] : validateLabelName(key, path.child('key'));
  if (key === '' && operator !== 'Exists') {
    errors.push(invalidValue(at, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalidValue(path.child('effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === '' || operator === 'Equal') {
    const wrong = validateLabelValue(value);
    if (wrong.length > 0) errors.push(invalidValue(at, value, wrong.join(';')));
  } else if (operator === 'Exists') {
    if (value !== '') errors.push(invalidValue(at, value, "value must be empty when `operator` is 'Exists'"));
  } else {
    // Lt and Gt are alpha; upstream names them only to whoever tries them.
    const known = operator === 'Lt' || operator === 'Gt' ? ['Equal', 'Exists', 'Lt', 'Gt'] : ['Equal', 'Exists'];
    errors.push(notSupportedInOrder(at, operator, known));
  }
  return effect === '' ? errors : [...errors, ...validateTaintEffect(effect, true, path.child('effect'))];
}

export const validateTolerations = (tolerations: readonly Toleration[] | undefined, path: FieldPath): FieldError[] =>
  (tolerations ?? []).flatMap((toleration, index) => validateToleration(toleration, path.index(index)));

const notPositive = 'must be greater than zero';
const inclusionPolicies = ['Honor', 'Ignore'];

function validateConstraint(constraint: TopologySpreadConstraint, later: readonly TopologySpreadConstraint[], path: FieldPath): FieldError[] {
  const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector } = constraint;
  const errors = maxSkew > 0 ? [] : [invalidValue(path.child('maxSkew'), maxSkew, notPositive)];
  if (topologyKey === '') errors.push(required(path.child('topologyKey'), 'can not be empty'));
  const actions = ['DoNotSchedule', 'ScheduleAnyway'];
  if (!actions.includes(whenUnsatisfiable)) errors.push(notSupported(path.child('whenUnsatisfiable'), whenUnsatisfiable, actions));
  if (later.some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)) {
    errors.push(duplicate(path.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`));
  }
  if (minDomains !== undefined) {
    const at = path.child('minDomains');
    if (minDomains <= 0) errors.push(invalidValue(at, minDomains, notPositive));
    if (whenUnsatisfiable !== 'DoNotSchedule') {
      errors.push(invalidValue(at, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
    }
  }
  for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
    const policy = constraint[field];
    if (policy !== undefined && !inclusionPolicies.includes(policy)) errors.push(notSupported(path.child(field), policy, inclusionPolicies));
  }
  errors.push(...validateLabelKeys(constraint.matchLabelKeys, [], labelSelector, path));
  return [...errors, ...validateLabelSelector(labelSelector, {}, path.child('labelSelector'))];
}

export const validateTopologySpread = (constraints: readonly TopologySpreadConstraint[] | undefined, path: FieldPath): FieldError[] =>
  (constraints ?? []).flatMap((constraint, index) => validateConstraint(constraint, constraints!.slice(index + 1), path.index(index)));

/** Conditions that a pod must have to be ready, and gates that must be gone before it is scheduled. */
export function validateGates({ readinessGates, schedulingGates }: PodSpec, path: FieldPath): FieldError[] {
  const errors = (readinessGates ?? []).flatMap(({ conditionType = '' }, index) =>
    validateQualifiedNameField(conditionType, path.child('readinessGates').index(index).child('conditionType')),
  );
  const seen = new Set<string>();
  for (const [index, { name = '' }] of (schedulingGates ?? []).entries()) {
    const at = path.child('schedulingGates').index(index);
    errors.push(...validateQualifiedNameField(name, at));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  }
  return errors;
}

export const mirrorAnnotation = 'kubernetes.io/config.mirror';

export function validateResourceClaims({ resourceClaims }: PodSpec, path: FieldPath, { metadata }: PodSpecOptions): FieldError[] {
  const seen = new Set<string>();
  const isStatic = metadata?.annotations?.[mirrorAnnotation] !== undefined;
  return (resourceClaims ?? []).flatMap((claim, index) => {
    if (isStatic) return [forbiddenField(unnamedField, 'static pods do not support resource claims')];
    const at = path.index(index);
    const { name = '', resourceClaimName: claimName, resourceClaimTemplateName: templateName } = claim;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(at.child('name')));
    else if (seen.has(name)) errors.push(duplicate(at.child('name'), name));
    else errors.push(...validateDnsLabelField(name, at.child('name')));
    seen.add(name);
    // As upstream prints its internal type.
    const shown = { Name: name, ResourceClaimName: claimName ?? null, ResourceClaimTemplateName: templateName ?? null };
    if (claimName !== undefined && templateName !== undefined) {
      errors.push(invalidValue(at, shown, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    }
    if (claimName === undefined && templateName === undefined) {
      errors.push(invalidValue(at, shown, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    if (claimName !== undefined) errors.push(...checked(claimName, at.child('resourceClaimName'), subdomainName(claimName, false)));
    if (templateName !== undefined) errors.push(...checked(templateName, at.child('resourceClaimTemplateName'), subdomainName(templateName, false)));
    return errors;
  });
}
