/** What may change of a claim: it may be bound once, grow when it is, and change its attributes class. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateQualifiedName } from '../../../../apimachinery/names.ts';
import { compareQuantities, value as wholeValue } from '../../../../apimachinery/quantity.ts';
import { checked, immutableMessage, validateImmutable } from '../../../../apimachinery/validation/common.ts';
import { describeChange } from '../pod/diff.ts';
import { isNativeResource, validateResourceQuantity } from '../resourcenames.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../types.gen.ts';
import { normalizeDataSources } from './datasource.ts';
import { validateClaimSpec } from './validation.ts';
import { storageClassAnnotation } from './warnings.ts';

const specPath = path('spec');
const statusPath = path('status');

/** The class was named by an annotation once; it may move to its field, or be filled in where there was none. */
function classMayAppear(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const annotated = old.metadata.annotations?.[storageClassAnnotation];
  const name = claim.spec?.storageClassName;
  return name !== undefined && old.spec?.storageClassName === undefined && (annotated === undefined || name === annotated);
}

function validateAnnotation(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const before = old.metadata.annotations?.[storageClassAnnotation] ?? '';
  const now = claim.metadata.annotations?.[storageClassAnnotation] ?? '';
  const moved = before !== '' && now === '' && classMayAppear(claim, old);
  return now === before || moved ? [] : [invalidValue(path('metadata', 'annotations', storageClassAnnotation), now, immutableMessage)];
}

/** Both specs with what may change made the same. */
function comparable(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): { now: PersistentVolumeClaimSpec; before: PersistentVolumeClaimSpec } {
  const now = structuredClone(claim.spec ?? {});
  const before = structuredClone(old.spec ?? {});
  normalizeDataSources(before);
  if (!before.volumeName) {
    delete before.volumeName;
    delete now.volumeName;
  }
  if (classMayAppear(claim, old)) delete now.storageClassName;
  if (claim.status?.phase === 'Bound') {
    const size = before.resources?.requests?.['storage'];
    if (now.resources?.requests && size !== undefined) now.resources.requests['storage'] = size;
    if (before.volumeAttributesClassName === undefined) delete now.volumeAttributesClassName;
    else now.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  return { now, before };
}

function validateSize(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const now = claim.spec?.resources?.requests?.['storage'] ?? '0';
  const before = old.spec?.resources?.requests?.['storage'] ?? '0';
  const actual = old.status?.capacity?.['storage'] ?? '0';
  if (compareQuantities(now, before) >= 0 || compareQuantities(now, actual) > 0) return [];
  return [forbiddenField(specPath.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity')];
}

function validateAttributesClass({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const name = spec?.volumeAttributesClassName;
  if (name === old.spec?.volumeAttributesClassName || old.status?.currentVolumeAttributesClassName === undefined) return [];
  const at = specPath.child('volumeAttributesClassName');
  const when = 'is forbidden when status.currentVolumeAttributesClassName is not nil';
  if (name === undefined) return [forbiddenField(at, `update to nil ${when}`)];
  return name === '' ? [forbiddenField(at, `update to empty string ${when}`)] : [];
}

export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = [...validateClaimSpec(claim.spec ?? {}, specPath, old.spec), ...validateAnnotation(claim, old)];
  const { now, before } = comparable(claim, old);
  if (!semanticEqual(now, before)) {
    const what = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbiddenField(specPath, `${what}\n${describeChange(before, now)}`));
  }
  errors.push(...validateSize(claim, old));
  errors.push(...validateImmutable(claim.spec?.volumeMode, old.spec?.volumeMode, path('volumeMode')));
  return [...errors, ...validateAttributesClass(claim, old)];
}

const resizeStates = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizePending', 'NodeResizeInProgress', 'NodeResizeInfeasible'];

function validateKey(name: string, at: FieldPath): FieldError[] {
  const errors = checked(name, at, validateQualifiedName(name));
  if (errors.length > 0 || name === 'storage' || !isNativeResource(name)) return errors;
  return [notSupported(at, name, ['storage'])];
}

const validateBasic = (amount: string | number, at: FieldPath): FieldError[] =>
  wholeValue(amount) < 0 ? [invalidValue(at, wholeValue(amount), 'must be a valid resource quantity')] : [];

export function validateClaimStatusUpdate({ spec, status = {} }: PersistentVolumeClaim): FieldError[] {
  const errors = (spec?.accessModes?.length ?? 0) === 0 ? [required(path('Spec', 'accessModes'))] : [];
  for (const [name, amount] of Object.entries(status.capacity ?? {})) errors.push(...validateBasic(amount, statusPath.child('capacity').key(name)));
  const states = statusPath.child('allocatedResourceStatuses');
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    errors.push(...validateKey(name, states));
    if (!resizeStates.includes(state)) errors.push(notSupported(states, name, resizeStates));
  }
  const allocated = statusPath.child('allocatedResources');
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const wrong = validateKey(name, allocated);
    const basic = validateBasic(amount, allocated.key(name));
    if (wrong.length > 0) errors.push(...wrong);
    else errors.push(...(basic.length > 0 ? basic : validateResourceQuantity('storage', amount, allocated.key(name))));
  }
  return errors;
}
