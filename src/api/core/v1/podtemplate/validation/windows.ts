/** Validation of what is particular to one operating system. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../../apimachinery/fieldpath.ts';
import { validateDnsSubdomain } from '../../../../../apimachinery/names.ts';
import { checked } from '../../../../../apimachinery/validation/common.ts';
import type { PodSecurityContext, PodSpec, SecurityContext, WindowsSecurityContextOptions } from '../../types.gen.ts';
import { eachContainer } from './common.ts';

const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsName = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const longestDomain = 256;
const longestUser = 104;
const longestCredentialSpec = 64 * 1024;

/** `DOMAIN\user`, the domain being optional. */
function userNameErrors(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (/\p{Cc}/u.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : '';
  const wrong: string[] = [];
  if (Buffer.byteLength(domain) >= longestDomain) wrong.push(`runAsUserName's Domain length must be under ${longestDomain} characters`);
  if (parts.length === 2 && !netBios.test(domain) && !dnsName.test(domain)) {
    wrong.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') wrong.push("runAsUserName's User cannot be empty");
  else if (Buffer.byteLength(user) > longestUser) wrong.push(`runAsUserName's User length must not be longer than ${longestUser} characters`);
  if (/^[. ]+$/.test(user)) wrong.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) wrong.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return wrong;
}

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: FieldPath): FieldError[] {
  if (!options) return [];
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  const errors = specName === undefined ? [] : checked(specName, path.child('gmsaCredentialSpecName'), validateDnsSubdomain(specName));
  const at = path.child('gmsaCredentialSpec');
  if (spec === '') errors.push(invalidValue(at, spec, 'gmsaCredentialSpec cannot be an empty string'));
  else if (Buffer.byteLength(spec ?? '') > longestCredentialSpec) errors.push(invalidValue(at, spec, 'gmsaCredentialSpec size must be under 64 KiB'));
  return user === undefined ? errors : [...errors, ...checked(user, path.child('runAsUserName'), userNameErrors(user))];
}

/** Containers that are processes of the host: all of them, or none. */
export function validateHostProcess(spec: PodSpec, path: FieldPath): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let hostProcesses = 0;
  const errors = eachContainer(spec, path, ({ securityContext }, at) => {
    const own = securityContext?.windowsOptions?.hostProcess;
    containers++;
    if (own ?? ofPod) hostProcesses++;
    if (own === undefined || ofPod === undefined || own === ofPod) return [];
    const why = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
    return [invalidValue(at.child('securityContext', 'windowsOptions', 'hostProcess'), own, why)];
  });
  if (hostProcesses === 0) return errors;
  if (hostProcesses !== containers) {
    errors.push(invalidValue(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'));
  }
  if (!spec.hostNetwork) {
    errors.push(invalidValue(path.child('hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'));
  }
  return errors;
}

const notWindows = 'cannot be set for a windows pod';

/** In upstream's order; some stand in the security context, some in the pod's spec. */
const podFields: readonly (keyof PodSecurityContext | keyof PodSpec)[] = [
  'appArmorProfile',
  'seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'shareProcessNamespace',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
];
const containerContextFields: readonly (keyof SecurityContext)[] = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

function windowsErrors(spec: PodSpec, path: FieldPath): FieldError[] {
  const errors = podFields.flatMap((field) => {
    // No pointers: `false` is unset.
    if (field === 'hostPID' || field === 'hostIPC') return spec[field] ? [forbiddenField(path.child(field), notWindows)] : [];
    if (field === 'hostUsers' || field === 'shareProcessNamespace') return spec[field] === undefined ? [] : [forbiddenField(path.child(field), notWindows)];
    const value = spec.securityContext?.[field as keyof PodSecurityContext];
    return value === undefined ? [] : [forbiddenField(path.child('securityContext', field), notWindows)];
  });
  const containers = eachContainer(spec, path, ({ securityContext }, at) =>
    containerContextFields
      .filter((field) => securityContext?.[field] !== undefined)
      .map((field) => forbiddenField(at.child('securityContext', field), notWindows)),
  );
  return [...errors, ...containers];
}

function linuxErrors(spec: PodSpec, path: FieldPath): FieldError[] {
  const not = (at: FieldPath): FieldError => forbiddenField(at.child('securityContext', 'windowsOptions'), 'windows options cannot be set for a linux pod');
  const errors = spec.securityContext?.windowsOptions ? [not(path)] : [];
  return [...errors, ...eachContainer(spec, path, ({ securityContext }, at) => (securityContext?.windowsOptions ? [not(at)] : []))];
}

/** The system, and what may not be set for it. */
export function validateOS(spec: PodSpec, path: FieldPath): FieldError[] {
  if (!spec.os) return [];
  const { name = '' } = spec.os;
  const at = path.child('os');
  if (name === '') return [required(at.child('name'))];
  if (name === 'linux') return linuxErrors(spec, path);
  return name === 'windows' ? windowsErrors(spec, path) : [notSupported(at, name, ['linux', 'windows'])];
}
