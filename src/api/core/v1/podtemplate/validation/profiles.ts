/** Seccomp and AppArmor profiles: the fields, and the annotations that they replaced. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupportedInOrder, required, tooLong } from '../../../../../apimachinery/fieldpath.ts';
import type { AppArmorProfile, Container, EphemeralContainer, PodSpec, SeccompProfile } from '../../types.gen.ts';
import { eachContainer } from './common.ts';
import { validateDescendingPath } from './paths.ts';

type Annotations = Readonly<Record<string, string>> | undefined;

export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const seccompPodKey = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
const localhost = 'localhost/';

const types: readonly string[] = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateType(type: string | undefined, field: string, path: FieldPath): FieldError[] {
  if (!type) return [required(path.child('type'), `type is required when ${field} is set`)];
  return types.includes(type) ? [] : [notSupportedInOrder(path.child('type'), type, types)];
}

export function validateSeccomp(profile: SeccompProfile | undefined, path: FieldPath): FieldError[] {
  if (!profile) return [];
  const errors = validateType(profile.type, 'seccompProfile', path);
  const at = path.child('localhostProfile');
  const local = profile.localhostProfile;
  if (profile.type === 'Localhost') {
    return [...errors, ...(local === undefined ? [required(at, 'must be set when seccomp type is Localhost')] : validateDescendingPath(local, at))];
  }
  return local === undefined
    ? errors
    : [...errors, invalidValue(at, { Type: profile.type, LocalhostProfile: local }, 'can only be set when seccomp type is Localhost')];
}

export function validateAppArmor(profile: AppArmorProfile | undefined, path: FieldPath): FieldError[] {
  if (!profile) return [];
  const at = path.child('localhostProfile');
  const local = profile.localhostProfile;
  if (profile.type === 'RuntimeDefault' || profile.type === 'Unconfined') {
    return local === undefined ? [] : [invalidValue(at, local, 'can only be set when AppArmor type is Localhost')];
  }
  if (profile.type !== 'Localhost') return validateType(profile.type, 'appArmorProfile', path);
  if (local === undefined) return [required(at, 'must be set when AppArmor type is Localhost')];
  const errors: FieldError[] = [];
  if (local.trim() !== local) errors.push(invalidValue(at, local, 'must not be padded with whitespace'));
  else if (local === '') errors.push(required(at, 'must be set when AppArmor type is Localhost'));
  if (Buffer.byteLength(local) > 4095) errors.push(tooLong(at, 4095));
  return errors;
}

function validateSeccompAnnotation(profile: string, path: FieldPath): FieldError[] {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return [];
  if (profile.startsWith(localhost)) return validateDescendingPath(profile.slice(localhost.length), path);
  return [invalidValue(path, profile, 'must be a valid seccomp profile')];
}

const isAppArmorAnnotation = (profile: string): boolean =>
  profile === '' || profile === 'runtime/default' || profile === 'unconfined' || profile.startsWith(localhost);

/** The annotations on their own. */
export function validateProfileAnnotations(annotations: Annotations, spec: PodSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set([...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])].map(({ name }) => name));
  for (const [key, value] of Object.entries(annotations ?? {})) {
    if (key === seccompPodKey || key.startsWith(seccompContainerPrefix)) errors.push(...validateSeccompAnnotation(value, path.child(key)));
    if (!key.startsWith(appArmorPrefix)) continue;
    const container = key.slice(appArmorPrefix.length);
    if (!names.has(container)) errors.push(invalidValue(path.key(key), container, 'container not found'));
    if (!isAppArmorAnnotation(value)) errors.push(invalidValue(path.key(key), value, `invalid AppArmor profile name: ${JSON.stringify(value)}`));
  }
  return errors;
}

/** Annotation and field must say the same. `others` are further words for RuntimeDefault. */
function mismatch(annotation: string, profile: SeccompProfile | AppArmorProfile, what: string, others: readonly string[], path: FieldPath): FieldError[] {
  const wrongType = forbiddenField(path.child('type'), `${what} type in annotation and field must match`);
  switch (profile.type) {
    case 'Unconfined':
      return annotation === 'unconfined' ? [] : [wrongType];
    case 'RuntimeDefault':
      return annotation === 'runtime/default' || others.includes(annotation) ? [] : [wrongType];
    case 'Localhost':
      if (!annotation.startsWith(localhost)) return [wrongType];
      if (annotation.slice(localhost.length) === profile.localhostProfile) return [];
      return [forbiddenField(path.child('localhostProfile'), `${what} profile in annotation and field must match`)];
    default:
      return [];
  }
}

/** Where an annotation and a field are both given, they must match. */
export function validateProfilesMatch(annotations: Annotations, spec: PodSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const own = spec.securityContext;
  const docker = ['docker/default'];
  const podAnnotation = annotations?.[seccompPodKey];
  if (own?.seccompProfile && podAnnotation !== undefined) {
    errors.push(...mismatch(podAnnotation, own.seccompProfile, 'seccomp', docker, path.child('securityContext', 'seccompProfile')));
  }
  const seccomp = ({ name, securityContext }: Container | EphemeralContainer, at: FieldPath): FieldError[] => {
    const annotation = annotations?.[seccompContainerPrefix + name];
    const profile = securityContext?.seccompProfile;
    return profile && annotation !== undefined ? mismatch(annotation, profile, 'seccomp', docker, at.child('securityContext', 'seccompProfile')) : [];
  };
  const appArmor = ({ name, securityContext }: Container | EphemeralContainer, at: FieldPath): FieldError[] => {
    const annotation = annotations?.[appArmorPrefix + name];
    const profile = securityContext?.appArmorProfile ?? own?.appArmorProfile;
    return profile && annotation !== undefined ? mismatch(annotation, profile, 'apparmor', [], at.child('securityContext', 'appArmorProfile')) : [];
  };
  errors.push(...eachContainer(spec, path, seccomp));
  return spec.os?.name === 'windows' ? errors : [...errors, ...eachContainer(spec, path, appArmor)];
}
