/** Validation of a claim. Source of the rule: upstream's `core/validation`. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { type FieldPath, forbiddenField, invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import { labelName, subdomainName, validateDnsSubdomain } from '../../../../apimachinery/names.ts';
import { canonicalQuantity, quantitySign } from '../../../../apimachinery/quantity.ts';
import { validateLabelSelector } from '../../../../apimachinery/selectors.ts';
import { checked } from '../../../../apimachinery/validation/common.ts';
import { validateTemplateMetadata } from '../../../../apimachinery/validation/objectmeta.ts';
import { validateResourceQuantity } from '../resourcenames.ts';
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate, TypedLocalObjectReference, TypedObjectReference } from '../types.gen.ts';

export const accessModes: readonly string[] = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes: readonly string[] = ['Block', 'Filesystem'];

/** Of claims and volumes: known ones, and ReadWriteOncePod alone. */
export function validateAccessModes(modes: readonly string[], path: FieldPath): FieldError[] {
  const errors = modes.filter((mode) => !accessModes.includes(mode)).map((mode) => notSupported(path, mode, accessModes));
  const others = modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (others && modes.includes('ReadWriteOncePod')) errors.push(forbiddenField(path, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

function validateSource(source: TypedLocalObjectReference | TypedObjectReference, anyGroup: boolean, path: FieldPath): FieldError[] {
  const { name, kind = '', apiGroup = '' } = source;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(path.child('name')));
  if (!kind) errors.push(required(path.child('kind')));
  if (apiGroup !== '') errors.push(...(anyGroup ? [] : checked(apiGroup, path.child('apiGroup'), validateDnsSubdomain(apiGroup))));
  else if (kind !== 'PersistentVolumeClaim') {
    errors.push(invalidValue(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  return errors;
}

function validateSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, anyGroup: boolean, path: FieldPath): FieldError[] {
  const errors = dataSource ? validateSource(dataSource, anyGroup, path.child('dataSource')) : [];
  const namespace = dataSourceRef?.namespace;
  if (dataSourceRef) errors.push(...validateSource(dataSourceRef, anyGroup, path.child('dataSourceRef')));
  if (namespace) errors.push(...checked(namespace, path.child('dataSourceRef', 'namespace'), labelName(namespace, false)));
  if (!dataSource || !dataSourceRef) return errors;
  // Upstream shows the path itself, an object without exported fields.
  if (namespace) errors.push(invalidValue(path, {}, 'may not be specified when dataSourceRef.namespace is specified'));
  else if ((['apiGroup', 'kind', 'name'] as const).some((field) => dataSource[field] !== dataSourceRef[field])) {
    errors.push(invalidValue(path, {}, 'must match dataSourceRef'));
  }
  return errors;
}

/** With `old`, what it has already may stay. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: FieldPath, old?: PersistentVolumeClaimSpec): FieldError[] {
  const modes = spec.accessModes ?? [];
  const errors: FieldError[] = [];
  if (modes.length === 0) errors.push(required(path.child('accessModes'), 'at least 1 access mode is required'));
  errors.push(...validateLabelSelector(spec.selector, {}, path.child('selector')));
  errors.push(...validateAccessModes(modes, path.child('accessModes')));
  const storage = spec.resources?.requests?.['storage'];
  const at = path.child('resources').key('storage');
  if (storage === undefined) errors.push(required(at));
  else if (quantitySign(storage) <= 0) errors.push(invalidValue(at, canonicalQuantity(storage), 'must be greater than zero'));
  else errors.push(...validateResourceQuantity('storage', storage, at));
  if (spec.storageClassName) errors.push(...checked(spec.storageClassName, path.child('storageClassName'), subdomainName(spec.storageClassName, false)));
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported(path.child('volumeMode'), spec.volumeMode, volumeModes));
  }
  const anyGroup = old?.dataSource?.apiGroup !== undefined || old?.dataSourceRef?.apiGroup !== undefined;
  errors.push(...validateSources(spec, anyGroup, path));
  const attributes = spec.volumeAttributesClassName;
  if (attributes) errors.push(...checked(attributes, path.child('volumeAttributesClassName'), subdomainName(attributes, false)));
  return errors;
}

export const validateClaimTemplate = ({ metadata, spec }: PersistentVolumeClaimTemplate, path: FieldPath): FieldError[] => [
  ...validateTemplateMetadata(metadata, path.child('metadata')),
  ...validateClaimSpec(spec, path.child('spec')),
];
