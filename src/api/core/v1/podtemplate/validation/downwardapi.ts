/** References to fields of the pod and to resources of its containers (the downward API). */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import { canonicalQuantity, quantitySign } from '../../../../../apimachinery/quantity.ts';
import { validateQualifiedNameField } from '../../../../../apimachinery/validation/common.ts';
import type { DownwardAPIVolumeFile, ObjectFieldSelector, ResourceFieldSelector } from '../../types.gen.ts';
import { validateFileMode, validateNonReservedPath } from './paths.ts';

const knownFields: ReadonlySet<string> = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.serviceAccountName',
  'spec.schedulerName',
  'status.phase',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);

export const envFields: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const volumeFields: readonly string[] = ['metadata.name', 'metadata.namespace', 'metadata.labels', 'metadata.annotations', 'metadata.uid'];

function conversionError(version: string, field: string, subscripted: string | undefined): string | undefined {
  if (version !== 'v1') return `unsupported pod version: ${version}`;
  if (subscripted !== undefined) {
    return subscripted === 'metadata.annotations' || subscripted === 'metadata.labels' ? undefined : `field label does not support subscript: ${field}`;
  }
  return knownFields.has(field) || field === 'spec.host' ? undefined : `field label not supported: ${field}`;
}

export function validateFieldSelector({ apiVersion = '', fieldPath = '' }: ObjectFieldSelector, fields: readonly string[], path: FieldPath): FieldError[] {
  if (apiVersion === '') return [required(path.child('apiVersion'))];
  if (fieldPath === '') return [required(path.child('fieldPath'))];
  const match = /^([\s\S]+?)\['([\s\S]*)'\]$/.exec(fieldPath);
  const wrong = conversionError(apiVersion, fieldPath, match?.[1]);
  if (wrong) return [invalidValue(path.child('fieldPath'), fieldPath, `error converting fieldPath: ${wrong}`)];
  if (match) {
    const key = match[2]!;
    return validateQualifiedNameField(match[1] === 'metadata.annotations' ? key.toLowerCase() : key, path);
  }
  const field = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  return fields.includes(field) ? [] : [notSupported(path.child('fieldPath'), field, fields)];
}

const resources: readonly string[] = [
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
];
const units: readonly string[] = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
const isHugePages = (resource: string): boolean => /^(requests|limits)\.hugepages-/.test(resource);

function divisorRule(resource: string): { allowed: readonly string[]; message: string } | undefined {
  const name = resource.replace(/^(requests|limits)\./, '');
  if (name === resource) return undefined;
  if (name === 'cpu') return { allowed: ['1m', '1'], message: "only divisor's values 1m and 1 are supported with the cpu resource" };
  const what = name === 'memory' ? 'memory' : name === 'ephemeral-storage' ? 'local ephemeral storage' : isHugePages(resource) ? 'hugepages' : undefined;
  return what ? { allowed: units, message: `only divisor's values ${units.join(', ')} are supported with the ${what} resource` } : undefined;
}

export function validateResourceSelector(selector: ResourceFieldSelector, inVolume: boolean, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { containerName = '', resource = '', divisor = '0' } = selector;
  if (inVolume && containerName === '') errors.push(required(path.child('containerName')));
  else if (resource === '') errors.push(required(path.child('resource')));
  else if (!resources.includes(resource) && !isHugePages(resource)) errors.push(notSupported(path.child('resource'), resource, resources));
  const rule = quantitySign(divisor) === 0 ? undefined : divisorRule(resource);
  if (rule && !rule.allowed.includes(canonicalQuantity(divisor))) errors.push(invalidValue(path.child('divisor'), resource, rule.message));
  return errors;
}

/** A file of a downward API volume. */
export function validateDownwardFile(file: DownwardAPIVolumeFile, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const target = file.path ?? '';
  if (target === '') errors.push(required(path.child('path')));
  errors.push(...validateNonReservedPath(target, path.child('path')));
  if (file.fieldRef) {
    errors.push(...validateFieldSelector(file.fieldRef, volumeFields, path.child('fieldRef')));
    if (file.resourceFieldRef) errors.push(invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (file.resourceFieldRef) {
    errors.push(...validateResourceSelector(file.resourceFieldRef, true, path.child('resourceFieldRef')));
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...validateFileMode(file.mode, path.child('mode'))];
}
