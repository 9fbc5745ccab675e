/** Validation of where a persistent volume's data is. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, required } from '../../../../apimachinery/fieldpath.ts';
import { labelName } from '../../../../apimachinery/names.ts';
import { checked, validateDnsLabelField, validateDnsSubdomainField } from '../../../../apimachinery/validation/common.ts';
import * as disks from '../podtemplate/validation/networkdisks.ts';
import { requireAll } from '../podtemplate/validation/networkdisks.ts';
import { validateNoBacksteps } from '../podtemplate/validation/paths.ts';
import type { CSIPersistentVolumeSource, PersistentVolumeSpec, SecretReference } from '../types.gen.ts';

/** The fields of a spec that are no source. */
type Other =
  | 'accessModes'
  | 'capacity'
  | 'claimRef'
  | 'mountOptions'
  | 'nodeAffinity'
  | 'persistentVolumeReclaimPolicy'
  | 'storageClassName'
  | 'volumeAttributesClassName'
  | 'volumeMode';
type Source = Required<Omit<PersistentVolumeSpec, Other>>;

function withSecretRef(secret: { name?: string; namespace?: string } | undefined, path: FieldPath): FieldError[] {
  return secret ? (['name', 'namespace'] as const).filter((field) => !secret[field]).map((field) => required(path.child('secretRef', field))) : [];
}

function validateSecretReference({ name, namespace }: SecretReference, path: FieldPath): FieldError[] {
  return [
    ...(name ? validateDnsSubdomainField(name, path.child('name')) : [required(path.child('name'))]),
    ...(namespace ? validateDnsLabelField(namespace, path.child('namespace')) : [required(path.child('namespace'))]),
  ];
}

const secretFields = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const;

function validateCsi(csi: CSIPersistentVolumeSource, path: FieldPath): FieldError[] {
  const errors = [...disks.validateCsiDriverName(csi.driver, path.child('driver')), ...requireAll(csi, ['volumeHandle'], path)];
  for (const field of secretFields) if (csi[field]) errors.push(...validateSecretReference(csi[field], path.child(field)));
  return errors;
}

type Rule<K extends keyof Source> = (source: Source[K], path: FieldPath, name: string) => FieldError[];

/** In the order in which a second one is found to be too many. */
const rules: { [K in keyof Source]: Rule<K> } = {
  hostPath: disks.validateHostPath,
  gcePersistentDisk: (disk, path) => [...requireAll(disk, ['pdName'], path), ...disks.validatePartition(disk, path)],
  awsElasticBlockStore: (disk, path) => [...requireAll(disk, ['volumeID'], path), ...disks.validatePartition(disk, path)],
  glusterfs: (volume, path) => {
    const errors = requireAll(volume, ['endpoints', 'path'], path);
    const namespace = volume.endpointsNamespace;
    const at = path.child('endpointsNamespace');
    if (namespace === '') errors.push(invalidValue(at, '', 'if the endpointnamespace is set, it must be a valid namespace name'));
    else if (namespace !== undefined) errors.push(...checked(namespace, at, labelName(namespace, false)));
    return errors;
  },
  flocker: disks.validateFlocker,
  nfs: disks.validateNfs,
  rbd: (rbd, path) => requireAll(rbd, ['monitors', 'image'], path),
  quobyte: disks.validateQuobyte,
  cephfs: (cephfs, path) => requireAll(cephfs, ['monitors'], path),
  iscsi: (iscsi, path, name) => {
    const unknown = 'must be valid format';
    const errors = requireAll(iscsi, ['targetPortal'], path);
    if (iscsi.initiatorName !== undefined && Buffer.byteLength(`${name}:${iscsi.targetPortal ?? ''}`) > 64) {
      errors.push(invalidValue(path.child('targetportal'), iscsi.targetPortal, disks.iscsiTooLong));
    }
    errors.push(...disks.validateIscsi(iscsi, unknown, path));
    if (iscsi.secretRef && !iscsi.secretRef.name) errors.push(required(path.child('secretRef', 'name')));
    return [...errors, ...disks.validateIscsiInitiator(iscsi, unknown, path)];
  },
  cinder: (cinder, path) => [...requireAll(cinder, ['volumeID'], path), ...withSecretRef(cinder.secretRef, path)],
  fc: disks.validateFc,
  flexVolume: disks.validateFlex,
  azureFile: (file, path) => [
    ...requireAll(file, ['secretName', 'shareName'], path),
    ...(file.secretNamespace === '' ? [required(path.child('secretNamespace'))] : []),
  ],
  vsphereVolume: (disk, path) => requireAll(disk, ['volumePath'], path),
  photonPersistentDisk: (disk, path) => requireAll(disk, ['pdID'], path),
  portworxVolume: (disk, path) => requireAll(disk, ['volumeID'], path),
  azureDisk: disks.validateAzureDisk,
  scaleIO: (volume, path) => requireAll(volume, ['gateway', 'system', 'volumeName'], path),
  local: (local, path) => (local.path ? validateNoBacksteps(local.path, path.child('path')) : [required(path.child('path'))]),
  storageos: (volume, path) => {
    const errors = disks.validateStorageOs(volume, path);
    return volume.secretRef && !volume.secretRef.namespace ? [...errors, required(path.child('secretRef', 'namespace'))] : errors;
  },
  csi: validateCsi,
};

export const sourceKinds = Object.keys(rules) as readonly (keyof Source)[];

/** What errors call a source, where it is not its field. */
const named: Partial<Record<keyof Source, string>> = { gcePersistentDisk: 'persistentDisk' };
const second: Partial<Record<keyof Source, string>> = { cephfs: 'cephFS' };

function validateOne<K extends keyof Source>(kind: K, spec: PersistentVolumeSpec, path: FieldPath, name: string): FieldError[] {
  return rules[kind](spec[kind] as Source[K], path.child(named[kind] ?? kind), name);
}

/** `name` is the volume's. */
export function validateVolumeSource(spec: PersistentVolumeSpec, path: FieldPath, name: string): FieldError[] {
  const [first, ...more] = sourceKinds.filter((kind) => spec[kind] !== undefined);
  if (!first) return [required(path, 'must specify a volume type')];
  const errors = validateOne(first, spec, path, name);
  if (first === 'local' && !spec.nodeAffinity) errors.push(required(path.child('nodeAffinity'), 'Local volume requires node affinity'));
  return errors.concat(
    more.flatMap((kind) =>
      // Upstream takes this one beside another, and judges both.
      kind === 'flexVolume'
        ? validateOne(kind, spec, path, name)
        : [forbiddenField(path.child(second[kind] ?? kind), 'may not specify more than 1 volume type')],
    ),
  );
}

/** The source alone, without the rest of the spec. */
export const sourceOf = (spec: PersistentVolumeSpec): Record<string, unknown> =>
  Object.fromEntries(sourceKinds.flatMap((kind) => (spec[kind] === undefined ? [] : [[kind, spec[kind]]])));
