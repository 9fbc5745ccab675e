/** Validation of requests, limits and claims, of containers and of the pod as a whole. */

import type { FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { duplicate, FieldError, forbiddenField, invalidValue, required } from '../../../../../apimachinery/fieldpath.ts';
import { own } from '../../../../../apimachinery/own.ts';
import { canonicalQuantity, compareQuantities, formatQuantity } from '../../../../../apimachinery/quantity.ts';
import { validateDnsLabelField } from '../../../../../apimachinery/validation/common.ts';
import { podLimits, podRequests } from '../../pod/resources.ts';
import {
  isHugePageAmount,
  isHugePageResource,
  isOvercommitAllowed,
  validateContainerResourceName,
  validatePodResourceName,
  validateResourceQuantity,
} from '../../resourcenames.ts';
import type { PodSpec, ResourceClaim, ResourceRequirements } from '../../types.gen.ts';

type NameCheck = (name: string, path: FieldPath) => FieldError[];

const notFound = (path: FieldPath, name: string, names: ReadonlySet<string>): FieldError => {
  const which = names.size === 0 ? ' which is empty' : `: ${[...names].sort().join(', ')}`;
  return new FieldError('FieldValueNotFound', path, name, `must be one of the names in pod.spec.resourceClaims${which}`);
};

function validateClaims(claims: readonly ResourceClaim[] | undefined, podClaims: ReadonlySet<string>, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { name = '', request }] of (claims ?? []).entries()) {
    const at = path.index(index);
    if (name === '') {
      errors.push(required(at));
      continue;
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    else {
      if (request) errors.push(...validateDnsLabelField(request, at.child('request')));
      const key = request ? `${name}/${request}` : name;
      if (seen.has(key)) errors.push(duplicate(at, key));
      // All requests of a claim, after one of them.
      else if (!request) for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicate(at, name));
      seen.add(key);
    }
    if (!podClaims.has(name)) errors.push(notFound(at, name, podClaims));
  }
  return errors;
}

function validateAmount(name: string, amount: string | number, validateName: NameCheck, path: FieldPath): FieldError[] {
  const errors = [...validateName(name, path), ...validateResourceQuantity(name, amount, path)];
  if (isHugePageResource(name) && !isHugePageAmount(name, amount)) {
    const text = canonicalQuantity(amount);
    errors.push(invalidValue(path, text, `${text} is not positive integer multiple of ${name}`));
  }
  return errors;
}

function validateAgainstLimit(name: string, amount: string | number, limit: string | number | undefined, path: FieldPath): FieldError[] {
  const requests = path.child('requests');
  if (limit === undefined) {
    return isOvercommitAllowed(name) ? [] : [required(path.child('limits'), 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantities(amount, limit);
  const of = `${name} limit of ${canonicalQuantity(limit)}`;
  if (order !== 0 && !isOvercommitAllowed(name)) return [invalidValue(requests, canonicalQuantity(amount), `must be equal to ${of}`)];
  return order > 0 ? [invalidValue(requests, canonicalQuantity(amount), `must be less than or equal to ${of}`)] : [];
}

function validateRequirements(requirements: ResourceRequirements, validateName: NameCheck, podClaims: ReadonlySet<string>, path: FieldPath): FieldError[] {
  const { limits = {}, requests = {} } = requirements;
  const errors: FieldError[] = [];
  for (const [name, amount] of Object.entries(limits)) errors.push(...validateAmount(name, amount, validateName, path.child('limits').key(name)));
  for (const [name, amount] of Object.entries(requests)) {
    errors.push(...validateAmount(name, amount, validateName, path.child('requests').key(name)));
    errors.push(...validateAgainstLimit(name, amount, own(limits, name), path));
  }
  const names = Object.keys({ ...limits, ...requests });
  if (names.some(isHugePageResource) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(forbiddenField(path, 'HugePages require cpu or memory'));
  }
  return [...errors, ...validateClaims(requirements.claims, podClaims, path.child('claims'))];
}

const noClaims: ReadonlySet<string> = new Set();

export const validateContainerResources = (requirements: ResourceRequirements | undefined, podClaims: ReadonlySet<string>, path: FieldPath): FieldError[] =>
  requirements ? validateRequirements(requirements, validateContainerResourceName, podClaims, path) : [];

/** What running the pod costs beside its containers. */
export const validateOverhead = (overhead: PodSpec['overhead'], path: FieldPath): FieldError[] =>
  overhead ? validateRequirements({ limits: overhead }, validateContainerResourceName, noClaims, path) : [];

const containersOnly = { skipPodLevelResources: true, excludeOverhead: true };

/** Containers together ask for no more than the pod, and none may have more than the pod. */
function validateConsistency(spec: PodSpec, path: FieldPath): FieldError[] {
  const { requests = {}, limits = {} } = spec.resources!;
  const pod = { metadata: { name: '' }, spec };
  const errors: FieldError[] = [];
  const compare = (level: 'requests' | 'limits', declared: ResourceRequirements['limits'], total: ReturnType<typeof podRequests>): void => {
    for (const name in total) {
      const amount = declared && own(declared, name);
      if (amount === undefined || (level === 'limits' && !isHugePageResource(name)) || compareQuantities(total[name]!, amount) <= 0) continue;
      const why = `must be greater than or equal to aggregate container ${level} of ${formatQuantity(total[name]!)}`;
      errors.push(invalidValue(path.child(level).key(name), canonicalQuantity(amount), why));
    }
  };
  compare('requests', requests, podRequests(pod, containersOnly));
  compare('limits', limits, podLimits(pod, containersOnly));
  for (const [index, { resources }] of spec.containers.entries()) {
    for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
      const most = own(limits, name);
      if (most === undefined || compareQuantities(limit, most) <= 0) continue;
      const at = path.child('containers').index(index).key(name).child('limits');
      errors.push(invalidValue(at, canonicalQuantity(limit), `must be less than or equal to pod limits of ${canonicalQuantity(most)}`));
    }
  }
  return errors;
}

export function validatePodResources(spec: PodSpec, podClaims: ReadonlySet<string>, path: FieldPath): FieldError[] {
  if (!spec.resources) return [];
  if (spec.os?.name === 'windows') return [forbiddenField(path, 'may not be set for a windows pod')];
  const errors = spec.resources.claims ? [forbiddenField(path.child('claims'), 'claims may not be set for Resources at pod-level')] : [];
  errors.push(...validateRequirements(spec.resources, validatePodResourceName, podClaims, path));
  // Amounts that are none cannot be added up.
  return [...errors, ...validateConsistency(spec, path)];
}
