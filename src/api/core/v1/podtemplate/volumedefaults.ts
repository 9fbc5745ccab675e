/** Defaults of a pod's volumes. */
import type { ObjectFieldSelector, PersistentVolumeClaimSpec, PersistentVolumeSpec, ProjectedVolumeSource, Volume } from '../types.gen.ts';
import { defaultPullPolicy } from './image.ts';
import { setResourceRequirementsDefaults } from './resourcelist.ts';

/** 0644 */
const readableByAll = 420;
const hour = 3600;

export function setFieldSelectorDefaults(selector: ObjectFieldSelector | undefined): void {
  if (selector) selector.apiVersion ||= 'v1';
}

function setProjectedDefaults(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= readableByAll;
  for (const { downwardAPI, serviceAccountToken } of projected.sources ?? []) {
    for (const item of downwardAPI?.items ?? []) setFieldSelectorDefaults(item.fieldRef);
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= hour;
  }
}

/** Of a claim, and of the template of an ephemeral volume's claim. */
export function setClaimSpecDefaults(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  setResourceRequirementsDefaults(spec.resources);
}

/** Of the sources that pods and persistent volumes share. */
export function setNetworkDiskDefaults({ hostPath, iscsi, rbd, azureDisk, scaleIO }: Volume | PersistentVolumeSpec): void {
  if (hostPath) hostPath.type ??= '';
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= 'Shared';
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
}

/** A volume that names no source is an empty directory. */
export function setVolumeDefaults(volume: Volume): void {
  const { name: _, ...source } = volume;
  if (Object.values(source).every((one) => one === undefined)) volume.emptyDir = {};
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  if (volume.secret) volume.secret.defaultMode ??= readableByAll;
  if (volume.configMap) volume.configMap.defaultMode ??= readableByAll;
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= readableByAll;
    for (const item of volume.downwardAPI.items ?? []) setFieldSelectorDefaults(item.fieldRef);
  }
  if (volume.projected) setProjectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate) setClaimSpecDefaults(volume.ephemeral.volumeClaimTemplate.spec);
  setNetworkDiskDefaults(volume);
}
