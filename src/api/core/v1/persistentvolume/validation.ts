/** Validation of a persistent volume. Source of the rule: upstream's `core/validation`. */
import { posix } from 'node:path';
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { subdomainName } from '../../../../apimachinery/names.ts';
import { canonicalQuantity, quantitySign, value as wholeValue } from '../../../../apimachinery/quantity.ts';
import { checked, immutableMessage, validateImmutable } from '../../../../apimachinery/validation/common.ts';
import { validateAccessModes, volumeModes } from '../persistentvolumeclaim/validation.ts';
import { describeChange } from '../pod/diff.ts';
import { validateNodeSelector } from '../podtemplate/validation.ts';
import type { NodeSelectorTerm, PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from '../types.gen.ts';
import { sourceOf, validateVolumeSource } from './sources.ts';

const specPath = path('spec');
const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

function validateCapacity(capacity: Readonly<Record<string, string | number>> | undefined, at: FieldPath): FieldError[] {
  const names = Object.keys(capacity ?? {}).sort();
  const errors = names.length === 0 ? [required(at)] : [];
  if (!names.includes('storage') || names.length > 1)
    errors.push(notSupported(at, capacity ? Object.fromEntries(names.map((name) => [name, capacity[name]])) : null, ['storage']));
  for (const [name, amount] of Object.entries(capacity ?? {})) {
    if (wholeValue(amount) < 0) errors.push(invalidValue(at.key(name), wholeValue(amount), 'must be a valid resource quantity'));
    if (quantitySign(amount) <= 0) errors.push(invalidValue(at.key(name), canonicalQuantity(amount), 'must be greater than zero'));
  }
  return errors;
}

/** A volume that is written into a VolumeAttachment instead of being an object. */
function validateInline(spec: PersistentVolumeSpec, at: FieldPath): FieldError[] {
  const not = 'in the context of inline volumes';
  const errors: FieldError[] = [];
  if (spec.claimRef) errors.push(forbiddenField(at.child('claimRef'), `may not be specified ${not}`));
  if (Object.keys(spec.capacity ?? {}).length > 0) errors.push(forbiddenField(at.child('capacity'), `may not be specified ${not}`));
  if (!spec.csi) errors.push(required(at.child('csi'), `has to be specified ${not}`));
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && policy !== 'Retain') errors.push(forbiddenField(at.child('persistentVolumeReclaimPolicy'), `may only be Retain ${not}`));
  if (spec.nodeAffinity) errors.push(forbiddenField(at.child('nodeAffinity'), `may not be specified ${not}`));
  if (spec.storageClassName) errors.push(forbiddenField(at.child('storageClassName'), `may not be specified ${not}`));
  if (spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem') {
    errors.push(forbiddenField(at.child('volumeMode'), `may not specify volumeMode other than Filesystem ${not}`));
  }
  return errors;
}

function validateObject(spec: PersistentVolumeSpec, at: FieldPath): FieldError[] {
  const { persistentVolumeReclaimPolicy: policy = '', nodeAffinity, storageClassName = '', volumeMode } = spec;
  const errors = validateCapacity(spec.capacity, at.child('capacity'));
  const policyPath = at.child('persistentVolumeReclaimPolicy');
  if (policy !== '' && !reclaimPolicies.includes(policy)) errors.push(notSupported(policyPath, policy, reclaimPolicies));
  if (nodeAffinity?.required) errors.push(...validateNodeSelector(nodeAffinity.required, at.child('nodeAffinity', 'required')));
  else if (nodeAffinity) errors.push(required(at.child('nodeAffinity', 'required'), 'must specify required node constraints'));
  if (policy === 'Recycle' && spec.hostPath && posix.normalize(spec.hostPath.path ?? '') === '/') {
    errors.push(forbiddenField(policyPath, "may not be 'recycle' for a hostPath mount of '/'"));
  }
  if (storageClassName !== '') errors.push(...checked(storageClassName, at.child('storageClassName'), subdomainName(storageClassName, false)));
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode)) errors.push(notSupported(at.child('volumeMode'), volumeMode, volumeModes));
  return errors;
}

/** `name` is the volume's; `inline` for the spec in a VolumeAttachment. */
export function validateVolumeSpec(spec: PersistentVolumeSpec, name: string, inline: boolean, at: FieldPath): FieldError[] {
  const modes = spec.accessModes ?? [];
  const errors = inline ? validateInline(spec, at) : [];
  if (modes.length === 0) errors.push(required(at.child('accessModes')));
  errors.push(...validateAccessModes(modes, at.child('accessModes')));
  if (!inline) errors.push(...validateObject(spec, at));
  errors.push(...validateVolumeSource(spec, at, name));
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return errors;
  const attributesPath = at.child('volumeAttributesClassName');
  if (attributes === '') errors.push(required(attributesPath, 'an empty string is disallowed'));
  else errors.push(...checked(attributes, attributesPath, subdomainName(attributes, false)));
  if (!spec.csi) errors.push(required(at.child('csi'), 'has to be specified when using volumeAttributesClassName'));
  return errors;
}

const mountOptionsAnnotation = 'volume.beta.kubernetes.io/mount-options';
const mountable = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
] as const;

function validateMountOptions({ metadata, spec }: PersistentVolume): FieldError[] {
  const annotated = metadata.annotations?.[mountOptionsAnnotation] !== undefined;
  if (!annotated || mountable.some((kind) => spec?.[kind] !== undefined)) return [];
  return [forbiddenField(path('metadata', 'annotations', mountOptionsAnnotation), 'may not specify mount options for this volume type')];
}

export const validateVolume = (volume: PersistentVolume): FieldError[] => [
  ...validateVolumeSpec(volume.spec ?? {}, volume.metadata.name, false, specPath),
  ...validateMountOptions(volume),
];

const newLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

const withNewLabels = (terms: readonly NodeSelectorTerm[]): NodeSelectorTerm[] =>
  terms.map((term) => ({ ...term, matchExpressions: (term.matchExpressions ?? []).map((one) => ({ ...one, key: newLabels[one.key] ?? one.key })) }));

/** The same, but for labels that got a newer name. */
function sameAffinity(now: VolumeNodeAffinity | undefined, before: VolumeNodeAffinity): boolean {
  if (semanticEqual(now, before)) return true;
  const [own, old] = [now?.required?.nodeSelectorTerms ?? [], before.required?.nodeSelectorTerms ?? []];
  return now?.required !== undefined && semanticEqual(withNewLabels(own), withNewLabels(old));
}

/** As upstream prints its internal type. */
function asInternal(affinity: VolumeNodeAffinity | undefined): unknown {
  if (!affinity) return null;
  type Requirements = NodeSelectorTerm['matchExpressions'];
  const requirements = (list: Requirements): unknown =>
    list?.map(({ key, operator, values = null }) => ({ Key: key, Operator: operator, Values: values })) ?? null;
  const term = ({ matchExpressions, matchFields }: NodeSelectorTerm): unknown => ({
    MatchExpressions: requirements(matchExpressions),
    MatchFields: requirements(matchFields),
  });
  const { required } = affinity;
  return { Required: required ? { NodeSelectorTerms: required.nodeSelectorTerms?.map(term) ?? null } : null };
}

/** A secret for expansion may be added later; else the source stays. */
function sourceChange(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): string | undefined {
  const now = structuredClone(sourceOf(spec)) as Pick<PersistentVolumeSpec, 'csi'>;
  if (now.csi && old.csi && !old.csi.controllerExpandSecretRef) delete now.csi.controllerExpandSecretRef;
  return semanticEqual(now, sourceOf(old)) ? undefined : describeChange(sourceOf(old), now);
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validateVolume(volume);
  const spec = volume.spec ?? {};
  const before = old.spec ?? {};
  const change = sourceChange(spec, before);
  if (change) {
    const at = specPath.child('persistentvolumesource');
    errors.push(forbiddenField(at, `spec.persistentvolumesource is immutable after creation\n${change}`));
  }
  errors.push(...validateImmutable(spec.volumeMode, before.volumeMode, path('volumeMode')));
  if (before.nodeAffinity && !sameAffinity(spec.nodeAffinity, before.nodeAffinity)) {
    errors.push(invalidValue(path('nodeAffinity'), asInternal(spec.nodeAffinity), `${immutableMessage}, except for updating from beta label to GA`));
  }
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbiddenField(specPath.child('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}
