/** Validation of `metadata`. Source: apimachinery `api/validation/objectmeta.go`, `meta/v1/validation`. */

import type { FieldError, FieldPath } from '../fieldpath.ts';
import { forbiddenField, invalidValue, required, tooLong } from '../fieldpath.ts';
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../meta.ts';
import { parseApiVersion } from '../meta.ts';
import type { NameValidator } from '../names.ts';
import { labelName, subdomainName, validateQualifiedName } from '../names.ts';
import { validateLabels } from '../selectors.ts';
import { validateImmutable, validateNonNegative } from './common.ts';

/** Keys and values of all annotations together, in bytes. */
export const totalAnnotationSizeLimit = 256 * 1024;

export interface ObjectMetaOptions {
  namespaced: boolean;
  /** How `name` and `generateName` are checked; a DNS subdomain unless the kind says otherwise. */
  validateName?: NameValidator;
  /** Built-in kinds: a finalizer without a domain must be one of Kubernetes' own. Custom resources pass `false`. */
  standardFinalizers?: boolean;
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!annotations) return errors;
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const message of validateQualifiedName(key.toLowerCase())) errors.push(invalidValue(path, key, message));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > totalAnnotationSizeLimit) errors.push(tooLong(path, totalAnnotationSizeLimit));
  return errors;
}

/** Events come and go by the thousand; nothing may be owned by one. */
const isBannedOwner = (group: string, version: string, kind: string): boolean => group === '' && version === 'v1' && kind === 'Event';

function splitApiVersion(apiVersion: string): { group: string; version: string } {
  try {
    return parseApiVersion(apiVersion);
  } catch {
    // More than one slash: upstream takes such a reference to have neither group nor version.
    return { group: '', version: '' };
  }
}

function validateOwnerReference(reference: OwnerReference, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
  const { group, version } = splitApiVersion(apiVersion);
  if (version === '') errors.push(invalidValue(path.child('apiVersion'), apiVersion, 'version must not be empty'));
  if (kind === '') errors.push(invalidValue(path.child('kind'), kind, 'must not be empty'));
  if (name === '') errors.push(invalidValue(path.child('name'), name, 'must not be empty'));
  if (uid === '') errors.push(invalidValue(path.child('uid'), uid, 'must not be empty'));
  if (isBannedOwner(group, version, kind)) {
    errors.push(invalidValue(path, reference, `${group}/${version}, Kind=${kind} is disallowed from being an owner`));
  }
  return errors;
}

function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const reference of references ?? []) {
    errors.push(...validateOwnerReference(reference, path));
    if (reference.controller !== true) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === '') {
      controller = name;
      continue;
    }
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
    errors.push(invalidValue(path, references, why));
  }
  return errors;
}

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';
const standardFinalizers: readonly string[] = ['kubernetes', orphanFinalizer, foregroundFinalizer];

/** Finalizers of any object; `standardOnly` also asks those without a domain to be Kubernetes' own. */
function validateFinalizers(finalizers: readonly string[] | undefined, path: FieldPath, standardOnly: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!finalizers) return errors;
  for (const finalizer of finalizers) for (const message of validateQualifiedName(finalizer)) errors.push(invalidValue(path, finalizer, message));
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer)) {
    errors.push(invalidValue(path, finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`));
  }
  if (standardOnly) errors.push(...validateFinalizerDomains(finalizers, path));
  return errors;
}

function validateFinalizerDomains(finalizers: readonly string[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    errors.push(...validateFinalizerDomain(finalizer, path.index(index)));
  }
  return errors;
}

export const validateFinalizerDomain = (finalizer: string, path: FieldPath): FieldError[] =>
  finalizer.includes('/') || standardFinalizers.includes(finalizer)
    ? []
    : [invalidValue(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')];

/** One finalizer of a built-in kind that has such names outside its metadata. */
export const validateFinalizerName = (finalizer: string, path: FieldPath): FieldError[] => [
  ...validateQualifiedName(finalizer).map((message) => invalidValue(path, finalizer, message)),
  ...validateFinalizerDomain(finalizer, path),
];

/** The name under which a client's writes are recorded: at most 128 bytes of printable characters. */
export function validateFieldManager(manager: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > 128) errors.push(tooLong(path, 128));
  let position = 0;
  for (const character of manager) {
    if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalidValue(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, entry] of (entries ?? []).entries()) {
    const at = path.index(index);
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      errors.push(invalidValue(at.child('operation'), entry.operation ?? '', 'must be `Apply` or `Update`'));
    }
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') errors.push(invalidValue(at.child('fieldsType'), entry.fieldsType, 'must be `FieldsV1`'));
    errors.push(...validateFieldManager(entry.manager ?? '', at.child('manager')));
    if (Buffer.byteLength(entry.subresource ?? '') > 256) errors.push(tooLong(at.child('subresource'), 256));
  }
  return errors;
}

function validateNamespace(namespace: string, namespaced: boolean, path: FieldPath): FieldError[] {
  if (!namespaced) return namespace === '' ? [] : [forbiddenField(path, 'not allowed on this type')];
  if (namespace === '') return [required(path)];
  return labelName(namespace, false).map((message) => invalidValue(path, namespace, message));
}

/** What is wrong with `metadata` of an object to be created; its name is already generated. */
export function validateObjectMeta(meta: ObjectMeta, options: ObjectMetaOptions, path: FieldPath): FieldError[] {
  const { namespaced, validateName = subdomainName, standardFinalizers: standardOnly = true } = options;
  const errors: FieldError[] = [];
  const { name = '', generateName = '' } = meta;
  if (generateName !== '') errors.push(...validateName(generateName, true).map((message) => invalidValue(path.child('generateName'), generateName, message)));
  if (name === '') errors.push(required(path.child('name'), 'name or generateName is required'));
  else errors.push(...validateName(name, false).map((message) => invalidValue(path.child('name'), name, message)));
  errors.push(...validateNamespace(meta.namespace ?? '', namespaced, path.child('namespace')));
  errors.push(...validateNonNegative(meta.generation, path.child('generation')));
  errors.push(...validateCommon(meta, path));
  errors.push(...validateFinalizers(meta.finalizers, path.child('finalizers'), standardOnly));
  errors.push(...validateManagedFields(meta.managedFields, path.child('managedFields')));
  return errors;
}

function validateCommon(meta: ObjectMeta, path: FieldPath): FieldError[] {
  return [
    ...validateLabels(meta.labels, path.child('labels')),
    ...validateAnnotations(meta.annotations, path.child('annotations')),
    ...validateOwnerReferences(meta.ownerReferences, path.child('ownerReferences')),
  ];
}

/** What is wrong with a change of `metadata`; fields that the server owns are already carried over. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path: FieldPath, options: { standardFinalizers?: boolean } = {}): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
    if (added.length > 0) {
      const list = [...new Set(added)].sort().map((finalizer) => JSON.stringify(finalizer));
      const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list.join(', ')}}`;
      errors.push(forbiddenField(path.child('finalizers'), why));
    }
  }
  if (!meta.resourceVersion) errors.push(invalidValue(path.child('resourceVersion'), meta.resourceVersion ?? '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (old.generation ?? 0)) errors.push(invalidValue(path.child('generation'), meta.generation ?? 0, 'must not be decremented'));
  for (const field of ['name', 'namespace', 'uid'] as const) errors.push(...validateImmutable(meta[field] ?? '', old[field] ?? '', path.child(field)));
  for (const field of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    errors.push(...validateImmutable(meta[field], old[field], path.child(field)));
  }
  errors.push(...validateCommon(meta, path));
  errors.push(...validateManagedFields(meta.managedFields, path.child('managedFields')));
  if (options.standardFinalizers ?? true) errors.push(...validateFinalizerDomains(meta.finalizers, path.child('finalizers')));
  return errors;
}

/** The metadata of an object's template: only labels and annotations mean something. */
export function validateTemplateMetadata(meta: Partial<ObjectMeta> | undefined, path: FieldPath): FieldError[] {
  const { annotations, labels, ...others } = meta ?? {};
  return [
    ...validateAnnotations(annotations, path.child('annotations')),
    ...validateLabels(labels, path.child('labels')),
    ...Object.entries(others).flatMap(([field, value]) => (value === undefined || value === '' ? [] : [forbiddenField(path.child(field), 'cannot be set')])),
  ];
}
