/** What kinds of resources there are, and where each may stand. Source of the rule: upstream's `core/helper`, `core/validation`. */

import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported } from '../../../apimachinery/fieldpath.ts';
import { validateQualifiedName } from '../../../apimachinery/names.ts';
import type { QuantityLike } from '../../../apimachinery/quantity.ts';
import { formatQuantity, milliValue, parseQuantity, quantitySign, value as wholeValue } from '../../../apimachinery/quantity.ts';
import { checked, validateNonNegativeQuantity } from '../../../apimachinery/validation/common.ts';
import { isSupportedPodLevelResource } from './pod/resources.ts';

const compute = ['cpu', 'memory', 'ephemeral-storage'];
const counts = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const quota = [...compute, ...compute.flatMap((name) => [`requests.${name}`, `limits.${name}`]), 'requests.storage', ...counts];

const containerNames: ReadonlySet<string> = new Set(compute);
const quotaNames: ReadonlySet<string> = new Set(quota);
const standardNames: ReadonlySet<string> = new Set([...quota, 'storage']);
const integerNames: ReadonlySet<string> = new Set(counts);

export const isHugePageResource = (name: string): boolean => name.startsWith('hugepages-');
const isQuotaHugePageResource = (name: string): boolean => isHugePageResource(name) || name.startsWith('requests.hugepages-');

/** Kubernetes' own: without a domain, or of `kubernetes.io/`. */
export const isNativeResource = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

const extended = new Map<string, boolean>();

/** Advertised by a node, e.g. `nvidia.com/gpu`: counted in whole numbers, never overcommitted. */
export function isExtendedResource(name: string): boolean {
  let known = extended.get(name);
  if (known === undefined) {
    known = !isNativeResource(name) && !name.startsWith('requests.') && validateQualifiedName(`requests.${name}`).length === 0;
    if (extended.size < 1024) extended.set(name, known);
  }
  return known;
}

/** A limit may exceed the request. */
export const isOvercommitAllowed = (name: string): boolean => isNativeResource(name) && !isHugePageResource(name);
export const isIntegerResource = (name: string): boolean => integerNames.has(name) || isExtendedResource(name);
export const isStandardQuotaResource = (name: string): boolean => quotaNames.has(name) || isQuotaHugePageResource(name);
const isStandardResource = (name: string): boolean => standardNames.has(name) || isQuotaHugePageResource(name);
const isStandardContainerResource = (name: string): boolean => containerNames.has(name) || isHugePageResource(name);

export function validateResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = checked(name, path, validateQualifiedName(name));
  if (errors.length > 0 || name.includes('/') || isStandardResource(name)) return errors;
  return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
}

export function validateContainerResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = validateResourceName(name, path);
  if (!name.includes('/')) {
    if (!isStandardContainerResource(name)) errors.push(invalidValue(path, name, 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

/** What may be set for a pod as a whole. */
export function validatePodResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = validateResourceName(name, path);
  if (errors.length > 0 || isSupportedPodLevelResource(name)) return errors;
  return [notSupported(path, name, ['cpu', 'hugepages-', 'memory'])];
}

/** Not negative, and whole where the resource is counted. */
export function validateResourceQuantity(name: string, amount: string | number, path: FieldPath): FieldError[] {
  const errors = validateNonNegativeQuantity(String(amount), path);
  if (isIntegerResource(name) && milliValue(amount) % 1000 !== 0) {
    errors.push(invalidValue(path, formatQuantity(parseQuantity(amount)), 'must be an integer'));
  }
  return errors;
}

/** A multiple of the page size that is part of the name. */
export function isHugePageAmount(name: string, amount: QuantityLike): boolean {
  let pageSize: ReturnType<typeof parseQuantity>;
  try {
    pageSize = parseQuantity(name.slice('hugepages-'.length));
  } catch {
    return false;
  }
  if (quantitySign(pageSize) <= 0 || milliValue(pageSize) % 1000 !== 0) return false;
  return wholeValue(amount) % wholeValue(pageSize) === 0;
}
