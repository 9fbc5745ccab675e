/** Validation of a container's mounts and block devices. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { fieldNotFound, forbiddenField, invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import type { Container, EphemeralContainer, VolumeMount } from '../../types.gen.ts';
import { isSet } from './options.ts';
import { validateDescendingPath, validateNoBacksteps } from './paths.ts';
import type { ValidVolumes } from './volumes.ts';

type AnyContainer = Container | EphemeralContainer;

const propagations: readonly string[] = ['Bidirectional', 'HostToContainer', 'None'];

function validatePropagation(mode: string | undefined, container: AnyContainer, path: FieldPath): FieldError[] {
  if (mode === undefined) return [];
  const errors = propagations.includes(mode) ? [] : [notSupported(path, mode, propagations)];
  if (mode === 'Bidirectional' && !container.securityContext?.privileged) {
    errors.push(forbiddenField(path, 'Bidirectional mount propagation is available only to privileged containers'));
  }
  return errors;
}

function validateRecursiveReadOnly({ recursiveReadOnly: mode, readOnly, mountPropagation }: VolumeMount, path: FieldPath): FieldError[] {
  if (mode === undefined || mode === 'Disabled') return [];
  if (mode !== 'Enabled' && mode !== 'IfPossible') return [notSupported(path, mode, ['Disabled', 'Enabled', 'IfPossible'])];
  const errors: FieldError[] = [];
  if (!readOnly) errors.push(forbiddenField(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    errors.push(forbiddenField(path, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}

export function validateMounts(container: AnyContainer, volumes: ValidVolumes, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  const devices = new Map((container.volumeDevices ?? []).map((device) => [device.name ?? '', device.devicePath ?? '']));
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = path.index(index);
    const { name = '', mountPath = '', subPath, subPathExpr } = mount;
    if (name === '') errors.push(required(at.child('name')));
    if (!volumes.has(name)) errors.push(fieldNotFound(at.child('name'), name));
    if (mountPath === '') errors.push(required(at.child('mountPath')));
    if (paths.has(mountPath)) errors.push(invalidValue(at.child('mountPath'), mountPath, 'must be unique'));
    paths.add(mountPath);
    if (devices.has(name)) errors.push(invalidValue(at.child('name'), name, 'must not already exist in volumeDevices'));
    if ([...devices.values()].includes(mountPath)) {
      errors.push(invalidValue(at.child('mountPath'), mountPath, 'must not already exist as a path in volumeDevices'));
    }
    if (isSet(subPath)) errors.push(...validateDescendingPath(subPath, path.child('subPath')));
    if (isSet(subPathExpr)) {
      if (isSet(subPath)) errors.push(invalidValue(at.child('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      errors.push(...validateDescendingPath(subPathExpr, path.child('subPathExpr')));
    }
    errors.push(...validatePropagation(mount.mountPropagation, container, path.child('mountPropagation')));
    errors.push(...validateRecursiveReadOnly(mount, path.child('recursiveReadOnly')));
  }
  return errors;
}

export function validateDevices(container: AnyContainer, volumes: ValidVolumes, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounts = container.volumeMounts ?? [];
  for (const [index, { name = '', devicePath = '' }] of (container.volumeDevices ?? []).entries()) {
    const at = path.index(index);
    const volume = volumes.get(name);
    if (name === '') errors.push(required(at.child('name')));
    if (names.has(name)) errors.push(invalidValue(at.child('name'), name, 'must be unique'));
    if (!volume) errors.push(fieldNotFound(at.child('name'), name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalidValue(at.child('name'), name, why));
    }
    if (devicePath === '') errors.push(required(at.child('devicePath')));
    if (paths.has(devicePath)) errors.push(invalidValue(at.child('devicePath'), devicePath, 'must be unique'));
    if (validateNoBacksteps(devicePath, at).length > 0) errors.push(invalidValue(at.child('devicePath'), devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) errors.push(invalidValue(at.child('name'), name, 'must not already exist in volumeMounts'));
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      errors.push(invalidValue(at.child('devicePath'), devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (name !== '') names.add(name);
  }
  return errors;
}
