/** Validation of a pod's volumes. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, required } from '../../../../../apimachinery/fieldpath.ts';
import { subdomainName } from '../../../../../apimachinery/names.ts';
import { quantitySign } from '../../../../../apimachinery/quantity.ts';
import { checked, validateDnsLabelField } from '../../../../../apimachinery/validation/common.ts';
import { validateClaimTemplate } from '../../persistentvolumeclaim/validation.ts';
import type { ConfigMapVolumeSource, SecretVolumeSource, Volume } from '../../types.gen.ts';
import { validatePullPolicy } from './common.ts';
import { validateDownwardFile } from './downwardapi.ts';
import * as disks from './networkdisks.ts';
import { requireAll } from './networkdisks.ts';
import type { PodSpecOptions } from './options.ts';
import { validateDescendingPath, validateFileMode } from './paths.ts';
import { validateKeyToPath, validateProjected } from './projected.ts';

type Source = Required<Omit<Volume, 'name'>>;
type SourceValidator<K extends keyof Source> = (source: Source[K], path: FieldPath, options: PodSpecOptions, volume: FieldPath) => FieldError[];
interface SourceRule<K extends keyof Source> {
  validate: SourceValidator<K>;
  /** Where errors say the source stands, if not at its field. */
  named?: string;
  /** What an error about a second source calls it, if not its field. */
  second?: string;
}

function validateFiles({ defaultMode, items }: Pick<SecretVolumeSource & ConfigMapVolumeSource, 'defaultMode' | 'items'>, path: FieldPath): FieldError[] {
  const errors = validateFileMode(defaultMode, path.child('defaultMode'));
  return [...errors, ...(items ?? []).flatMap((item, index) => validateKeyToPath(item, path.child('items').index(index)))];
}

const withSecretName = (secret: { name?: string } | undefined, path: FieldPath): FieldError[] =>
  secret && !secret.name ? [required(path.child('secretRef', 'name'))] : [];

const unknownIqn = 'must be valid format starting with iqn, eui, or naa';

/** In the order in which a second one is found to be too many. */
const rules: { [K in keyof Source]: SourceRule<K> } = {
  emptyDir: {
    validate: ({ sizeLimit }, path) =>
      sizeLimit !== undefined && quantitySign(sizeLimit) < 0
        ? [forbiddenField(path.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity')]
        : [],
  },
  hostPath: { validate: disks.validateHostPath },
  gitRepo: {
    validate: (repository, path) => [
      ...requireAll(repository, ['repository'], path),
      ...validateDescendingPath(repository.directory ?? '', path.child('directory')),
    ],
  },
  gcePersistentDisk: {
    named: 'persistentDisk',
    validate: (disk, path) => [...requireAll(disk, ['pdName'], path), ...disks.validatePartition(disk, path)],
  },
  awsElasticBlockStore: { validate: (disk, path) => [...requireAll(disk, ['volumeID'], path), ...disks.validatePartition(disk, path)] },
  secret: { validate: (secret, path) => [...requireAll(secret, ['secretName'], path), ...validateFiles(secret, path)] },
  nfs: { validate: disks.validateNfs },
  iscsi: {
    validate: (iscsi, path) => [
      ...requireAll(iscsi, ['targetPortal'], path),
      ...disks.validateIscsi(iscsi, unknownIqn, path),
      ...disks.validateIscsiInitiator(iscsi, unknownIqn, path),
    ],
  },
  glusterfs: { validate: (volume, path) => requireAll(volume, ['endpoints', 'path'], path) },
  flocker: { validate: disks.validateFlocker },
  persistentVolumeClaim: { validate: (claim, path) => requireAll(claim, ['claimName'], path) },
  rbd: { validate: (rbd, path) => requireAll(rbd, ['monitors', 'image'], path) },
  cinder: { validate: (cinder, path) => [...requireAll(cinder, ['volumeID'], path), ...withSecretName(cinder.secretRef, path)] },
  cephfs: { second: 'cephFS', validate: (cephfs, path) => requireAll(cephfs, ['monitors'], path) },
  quobyte: { validate: disks.validateQuobyte },
  downwardAPI: {
    second: 'downwarAPI',
    validate: ({ defaultMode, items }, path) => [
      ...validateFileMode(defaultMode, path.child('defaultMode')),
      ...(items ?? []).flatMap((file) => validateDownwardFile(file, path)),
    ],
  },
  fc: { validate: disks.validateFc },
  flexVolume: { validate: disks.validateFlex },
  configMap: { validate: (map, path) => [...(map.name ? [] : [required(path.child('name'))]), ...validateFiles(map, path)] },
  azureFile: { validate: (file, path) => requireAll(file, ['secretName', 'shareName'], path) },
  vsphereVolume: { validate: (disk, path) => requireAll(disk, ['volumePath'], path) },
  photonPersistentDisk: { validate: (disk, path) => requireAll(disk, ['pdID'], path) },
  portworxVolume: { validate: (disk, path) => requireAll(disk, ['volumeID'], path) },
  azureDisk: { validate: disks.validateAzureDisk },
  storageos: { validate: disks.validateStorageOs },
  projected: { validate: validateProjected },
  scaleIO: { validate: (volume, path) => requireAll(volume, ['gateway', 'system', 'volumeName'], path) },
  csi: {
    validate: ({ driver, nodePublishSecretRef: secret }, path) => {
      const errors = disks.validateCsiDriverName(driver, path.child('driver'));
      if (!secret) return errors;
      if (!secret.name) return [...errors, required(path.child('nodePublishSecretRef', 'name'))];
      return [...errors, ...checked(secret.name, path.child('name'), subdomainName(secret.name, false))];
    },
  },
  ephemeral: {
    validate: ({ volumeClaimTemplate: template }, path) =>
      template ? validateClaimTemplate(template, path.child('volumeClaimTemplate')) : [required(path.child('volumeClaimTemplate'))],
  },
  image: {
    validate: ({ reference, pullPolicy }, path, { isPod }) => [
      ...(isPod && !reference ? [required(path.child('reference'))] : []),
      ...validatePullPolicy(pullPolicy, path.child('pullPolicy')),
    ],
  },
};
const order = Object.keys(rules) as (keyof Source)[];

function validateOne<K extends keyof Source>(kind: K, volume: Volume, path: FieldPath, options: PodSpecOptions): FieldError[] {
  const rule = rules[kind];
  return rule.validate(volume[kind] as Source[K], path.child(rule.named ?? kind), options, path);
}

function validateSource(volume: Volume, path: FieldPath, options: PodSpecOptions): FieldError[] {
  const [first, ...more] = order.filter((kind) => volume[kind] !== undefined && volume[kind] !== null);
  if (!first) return [required(path, 'must specify a volume type')];
  const errors = validateOne(first, volume, path, options);
  errors.push(...more.map((kind) => forbiddenField(path.child(rules[kind].second ?? kind), 'may not specify more than 1 volume type')));
  const { iscsi, ephemeral, name = '' } = volume;
  if (iscsi?.initiatorName !== undefined && Buffer.byteLength(`${name}:${iscsi.targetPortal ?? ''}`) > 64) {
    errors.push(invalidValue(path.child('name'), name, disks.iscsiTooLong));
  }
  const pod = options.metadata?.name;
  if (first === 'ephemeral' && ephemeral && pod && name !== '') {
    const claim = `${pod}-${name}`;
    errors.push(...subdomainName(claim, false).map((why) => invalidValue(path.child('name'), name, `PVC name ${JSON.stringify(claim)}: ${why}`)));
  }
  return errors;
}

/** What containers may refer to: the volumes that are valid. */
export type ValidVolumes = ReadonlyMap<string, Volume>;

export function validateVolumes(volumes: readonly Volume[] | undefined, path: FieldPath, options: PodSpecOptions): [ValidVolumes, FieldError[]] {
  const valid = new Map<string, Volume>();
  const errors: FieldError[] = [];
  const pod = options.metadata?.name;
  const createdClaims = new Set(pod ? (volumes ?? []).filter(({ ephemeral }) => ephemeral).map(({ name }) => `${pod}-${name}`) : []);
  for (const [index, volume] of (volumes ?? []).entries()) {
    const at = path.index(index);
    const own = validateSource(volume, at, options);
    if (!volume.name) own.push(required(at.child('name')));
    else own.push(...validateDnsLabelField(volume.name, at.child('name')));
    if (valid.has(volume.name)) own.push(duplicate(at.child('name'), volume.name));
    if (own.length === 0) valid.set(volume.name, volume);
    errors.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim && createdClaims.has(claim)) {
      const why = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.push(invalidValue(at.child('persistentVolumeClaim', 'claimName'), claim, why));
    }
  }
  return [valid, errors];
}
