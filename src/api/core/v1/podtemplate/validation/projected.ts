/** Validation of projected volumes, and of the parts of which config map and secret volumes consist. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupportedInOrder, required, tooLong } from '../../../../../apimachinery/fieldpath.ts';
import { subdomainName } from '../../../../../apimachinery/names.ts';
import { validateLabelSelector } from '../../../../../apimachinery/selectors.ts';
import { validateDomainPrefixedKey } from '../../../../../apimachinery/validation/common.ts';
import { totalAnnotationSizeLimit } from '../../../../../apimachinery/validation/objectmeta.ts';
import { isKubernetesSigner, validateSignerName } from '../../../../certificates/signername.ts';
import type {
  ClusterTrustBundleProjection,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../types.gen.ts';
import { validateDownwardFile } from './downwardapi.ts';
import { isSet } from './options.ts';
import { validateFileMode, validateNonReservedPath } from './paths.ts';

export function validateKeyToPath(item: KeyToPath, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!item.key) errors.push(required(path.child('key')));
  if (!item.path) errors.push(required(path.child('path')));
  return [...errors, ...validateNonReservedPath(item.path ?? '', path.child('path')), ...validateFileMode(item.mode, path.child('mode'))];
}

const shortestToken = 600;
const longestToken = 2 ** 32;

function validateToken(token: ServiceAccountTokenProjection, at: FieldPath, volume: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const seconds = token.expirationSeconds ?? 0;
  const expiration = at.child('expirationSeconds');
  if (seconds < shortestToken) errors.push(invalidValue(expiration, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > longestToken) errors.push(invalidValue(expiration, seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (!token.path) errors.push(required(volume.child('path')));
  else errors.push(...validateNonReservedPath(token.path, volume.child('path')));
  return errors;
}

/** A bundle's name begins with its signer's, when it has one. */
function trustBundleNameErrors(name: string): string[] {
  const end = name.lastIndexOf(':');
  return subdomainName(end < 0 ? name : name.slice(end + 1), false);
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { name, signerName } = bundle;
  if (name !== undefined && signerName !== undefined) errors.push(invalidValue(at, bundle, 'only one of name and signerName may be used'));
  else if (name !== undefined) {
    if (name === '') errors.push(required(at.child('name'), 'must be a valid object name'));
    errors.push(...trustBundleNameErrors(name).map((why) => invalidValue(at.child('name'), name, `not a valid clustertrustbundlename: ${why}`)));
    if (bundle.labelSelector) {
      errors.push(invalidValue(at.child('labelSelector'), bundle.labelSelector, 'labelSelector must be unset if name is specified'));
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(required(at.child('signerName'), 'must be a valid signer name'));
    errors.push(...validateSignerName(signerName, at.child('signerName')));
    errors.push(...validateLabelSelector(bundle.labelSelector, {}, at.child('labelSelector')));
  } else errors.push(required(at, 'either name or signerName must be specified'));
  if (!bundle.path) errors.push(required(at.child('path')));
  return [...errors, ...validateNonReservedPath(bundle.path ?? '', at.child('path'))];
}

const keyTypes: readonly string[] = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const hour = 3600;
const day = 24 * hour;

function validateUserAnnotations(annotations: Readonly<Record<string, string>>, at: FieldPath): FieldError[] {
  const errors = Object.keys(annotations).flatMap((key) => validateDomainPrefixedKey(key.toLowerCase(), at));
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > totalAnnotationSizeLimit) errors.push(tooLong(at, totalAnnotationSizeLimit));
  return errors;
}

function validatePodCertificate(certificate: PodCertificateProjection, at: FieldPath): FieldError[] {
  const { signerName = '', keyType = '', userAnnotations, maxExpirationSeconds: seconds } = certificate;
  const errors = validateSignerName(signerName, at.child('signerName'));
  if (userAnnotations) errors.push(...validateUserAnnotations(userAnnotations, at.child('userAnnotations')));
  if (!keyTypes.includes(keyType)) errors.push(notSupportedInOrder(at.child('keyType'), keyType, keyTypes));
  if (seconds !== undefined) {
    const expiration = at.child('maxExpirationSeconds');
    const longest = isKubernetesSigner(signerName) ? day : 91 * day;
    if (seconds < hour) errors.push(invalidValue(expiration, seconds, 'if provided, maxExpirationSeconds must be >= 3600'));
    if (seconds > longest) errors.push(invalidValue(expiration, seconds, `if provided, maxExpirationSeconds must be <= ${longest}`));
  }
  const paths = (['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const).filter((field) => isSet(certificate[field]));
  errors.push(...paths.flatMap((field) => validateNonReservedPath(certificate[field]!, at.child(field))));
  if (paths.length === 0) errors.push(required(at, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
  return errors;
}

interface ProjectedFile {
  path: string | undefined;
  /** What an error about the path shows. */
  shown: string | undefined;
}

/** Where the source puts files, as far as that is known. */
function filesOf(source: VolumeProjection): ProjectedFile[] {
  const { secret, configMap, downwardAPI, clusterTrustBundle, podCertificate: certificate } = source;
  const plain = (path: string | undefined): ProjectedFile => ({ path, shown: path });
  return [
    ...(secret?.items ?? []).map(({ path }) => ({ path, shown: secret?.name ?? '' })),
    ...(configMap?.items ?? []).map(({ path }) => ({ path, shown: configMap?.name ?? '' })),
    ...(downwardAPI?.items ?? []).map(({ path }) => plain(path)),
    ...(clusterTrustBundle ? [plain(clusterTrustBundle.path)] : []),
    ...(certificate ? [certificate.credentialBundlePath, certificate.keyPath, certificate.certificateChainPath].map(plain) : []),
  ];
}

function validateSource(source: VolumeProjection, at: FieldPath, volume: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const kind of ['secret', 'configMap'] as const) {
    const part = source[kind];
    if (!part) continue;
    if (!part.name) errors.push(required(at.child(kind, 'name')));
    for (const [index, item] of (part.items ?? []).entries()) errors.push(...validateKeyToPath(item, at.child(kind, 'items').index(index)));
  }
  for (const file of source.downwardAPI?.items ?? []) errors.push(...validateDownwardFile(file, at.child('downwardAPI')));
  if (source.serviceAccountToken) errors.push(...validateToken(source.serviceAccountToken, at.child('serviceAccountToken'), volume));
  if (source.clusterTrustBundle) errors.push(...validateTrustBundle(source.clusterTrustBundle, at.child('clusterTrustBundle')));
  if (source.podCertificate) errors.push(...validatePodCertificate(source.podCertificate, at.child('podCertificate')));
  return errors;
}

export function validateProjected(projected: ProjectedVolumeSource, path: FieldPath): FieldError[] {
  const errors = validateFileMode(projected.defaultMode, path.child('defaultMode'));
  const taken = new Set<string>();
  for (const [index, source] of (projected.sources ?? []).entries()) {
    const at = path.child('sources').index(index);
    errors.push(...validateSource(source, at, path));
    for (const { path: file, shown } of filesOf(source)) {
      if (!isSet(file)) continue;
      if (taken.has(file)) errors.push(invalidValue(path, shown, 'conflicting duplicate paths'));
      taken.add(file);
    }
    const kinds = Object.values(source).filter((part) => part !== undefined).length;
    if (kinds > 1) errors.push(forbiddenField(at, 'may not specify more than 1 volume type per source'));
  }
  return errors;
}
