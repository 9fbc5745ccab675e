/** Validation of the volume sources that pods and persistent volumes share. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, required, tooLong } from '../../../../../apimachinery/fieldpath.ts';
import { rangeError, validateDnsSubdomain } from '../../../../../apimachinery/names.ts';
import { checked, validateDnsLabelField } from '../../../../../apimachinery/validation/common.ts';
import type * as v1 from '../../types.gen.ts';
import { validateNoBacksteps } from './paths.ts';

/** One error for each of these that is empty. */
export function requireAll<T extends object>(of: T, fields: readonly (keyof T & string)[], path: FieldPath): FieldError[] {
  return fields.filter((field) => !of[field] || (Array.isArray(of[field]) && of[field].length === 0)).map((field) => required(path.child(field)));
}

const iqn = /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9-.]+)(:[^,;*&$|\s]+)$/;
const eui = /^eui.[a-zA-Z0-9]{16}$/;
const naa = /^naa.[a-zA-Z0-9]{32}$/;
const formats: readonly [string, RegExp][] = [
  ['iqn', iqn],
  ['eui', eui],
  ['naa', naa],
];

function validateIscsiName(name: string, otherwise: string, path: FieldPath): FieldError[] {
  const format = formats.find(([prefix]) => name.startsWith(prefix));
  if (!format) return [invalidValue(path, name, otherwise)];
  return format[1].test(name) ? [] : [invalidValue(path, name, 'must be valid format')];
}

/** `unknown` is what is said of a name that is of no known format. */
export function validateIscsi(iscsi: v1.ISCSIVolumeSource | v1.ISCSIPersistentVolumeSource, unknown: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!iscsi.iqn) errors.push(required(path.child('iqn')));
  else errors.push(...validateIscsiName(iscsi.iqn, unknown, path.child('iqn')));
  const lun = iscsi.lun ?? 0;
  if (lun < 0 || lun > 255) errors.push(invalidValue(path.child('lun'), lun, rangeError(0, 255)));
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && !iscsi.secretRef) errors.push(required(path.child('secretRef')));
  return errors;
}

export function validateIscsiInitiator({ initiatorName }: { initiatorName?: string }, unknown: string, path: FieldPath): FieldError[] {
  return initiatorName === undefined ? [] : validateIscsiName(initiatorName, unknown, path.child('initiatorname'));
}

export const iscsiTooLong = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

export function validateFc(fc: v1.FCVolumeSource, path: FieldPath): FieldError[] {
  const names = fc.targetWWNs ?? [];
  const ids = fc.wwids ?? [];
  const at = path.child('targetWWNs');
  const errors: FieldError[] = [];
  if (names.length === 0 && ids.length === 0) errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'));
  if (names.length > 0 && ids.length > 0) errors.push(invalidValue(at, names, 'targetWWNs and wwids can not be specified simultaneously'));
  if (names.length === 0) return errors;
  if (fc.lun === undefined) errors.push(required(path.child('lun'), 'lun is required if targetWWNs is specified'));
  else if (fc.lun < 0 || fc.lun > 255) errors.push(invalidValue(path.child('lun'), fc.lun, rangeError(0, 255)));
  return errors;
}

export function validatePartition({ partition = 0 }: { partition?: number }, path: FieldPath): FieldError[] {
  return partition < 0 || partition > 255 ? [invalidValue(path.child('partition'), partition, rangeError(1, 255))] : [];
}

export function validateHostPath(hostPath: v1.HostPathVolumeSource, path: FieldPath): FieldError[] {
  if (!hostPath.path) return [required(path.child('path'))];
  const errors = validateNoBacksteps(hostPath.path, path.child('path'));
  const types = ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'];
  if (hostPath.type !== undefined && !types.includes(hostPath.type)) errors.push(notSupported(path.child('type'), hostPath.type, types));
  return errors;
}

export function validateNfs(nfs: v1.NFSVolumeSource, path: FieldPath): FieldError[] {
  const errors = requireAll(nfs, ['server', 'path'], path);
  if (!nfs.path?.startsWith('/')) errors.push(invalidValue(path.child('path'), nfs.path ?? '', 'must be an absolute path'));
  return errors;
}

const hostPort = /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/;

export function validateQuobyte(quobyte: v1.QuobyteVolumeSource, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { registry = '', tenant = '' } = quobyte;
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (registry === '') errors.push(required(path.child('registry'), pairs));
  else if (Buffer.byteLength(tenant) >= 65) errors.push(required(path.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters'));
  else for (const pair of registry.split(',')) if (!hostPort.test(pair)) errors.push(invalidValue(path.child('registry'), registry, pairs));
  return [...errors, ...requireAll(quobyte, ['volume'], path)];
}

export function validateFlocker(flocker: v1.FlockerVolumeSource, path: FieldPath): FieldError[] {
  const { datasetName = '', datasetUUID = '' } = flocker;
  const errors: FieldError[] = [];
  if (datasetName === '' && datasetUUID === '') errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName !== '' && datasetUUID !== '') {
    errors.push(invalidValue(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  }
  if (datasetName.includes('/')) errors.push(invalidValue(path.child('datasetName'), datasetName, "must not contain '/'"));
  return errors;
}

export function validateFlex(flex: v1.FlexVolumeSource | v1.FlexPersistentVolumeSource, path: FieldPath): FieldError[] {
  const errors = requireAll(flex as v1.FlexVolumeSource, ['driver'], path);
  for (const key of Object.keys(flex.options ?? {})) {
    const domain = `.${key.split('/', 1)[0]!.toLowerCase()}`;
    if (!domain.endsWith('.kubernetes.io') && !domain.endsWith('.k8s.io')) continue;
    errors.push(invalidValue(path.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved'));
  }
  return errors;
}

const managedUri = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const blobUri = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

export function validateAzureDisk(disk: v1.AzureDiskVolumeSource, path: FieldPath): FieldError[] {
  const errors = requireAll(disk, ['diskName', 'diskURI'], path);
  const { cachingMode, kind, diskURI = '' } = disk;
  const modes = ['None', 'ReadOnly', 'ReadWrite'];
  const kinds = ['Shared', 'Dedicated', 'Managed'];
  if (cachingMode !== undefined && !modes.includes(cachingMode)) errors.push(notSupported(path.child('cachingMode'), cachingMode, modes));
  if (kind === undefined) return errors;
  if (!kinds.includes(kind)) errors.push(notSupported(path.child('kind'), kind, kinds));
  const at = path.child('diskURI');
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) errors.push(notSupported(at, diskURI, [managedUri]));
  if (kind !== 'Managed' && !diskURI.startsWith('https://')) errors.push(notSupported(at, diskURI, [blobUri]));
  return errors;
}

export function validateStorageOs(volume: v1.StorageOSVolumeSource | v1.StorageOSPersistentVolumeSource, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!volume.volumeName) errors.push(required(path.child('volumeName')));
  else errors.push(...validateDnsLabelField(volume.volumeName, path.child('volumeName')));
  if (volume.volumeNamespace) errors.push(...validateDnsLabelField(volume.volumeNamespace, path.child('volumeNamespace')));
  if (volume.secretRef && !volume.secretRef.name) errors.push(required(path.child('secretRef', 'name')));
  return errors;
}

/** At most 63 characters; upper case is tolerated. */
export function validateCsiDriverName(name: string | undefined, path: FieldPath): FieldError[] {
  if (!name) return [required(path)];
  const errors = Buffer.byteLength(name) > 63 ? [tooLong(path, 63)] : [];
  return [...errors, ...checked(name, path, validateDnsSubdomain(name.toLowerCase()))];
}
