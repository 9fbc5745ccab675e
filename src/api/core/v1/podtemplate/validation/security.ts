/** Validation of security contexts. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, notSupportedInOrder, required } from '../../../../../apimachinery/fieldpath.ts';
import { validateGroupId, validateUserId } from '../../../../../apimachinery/names.ts';
import { checked } from '../../../../../apimachinery/validation/common.ts';
import type { PodSecurityContext, PodSpec, SecurityContext } from '../../types.gen.ts';
import { eachContainer } from './common.ts';
import type { PodSpecOptions } from './options.ts';
import { validateAppArmor, validateSeccomp } from './profiles.ts';
import { validateWindowsOptions } from './windows.ts';

const ids = (context: PodSecurityContext & SecurityContext, path: FieldPath): FieldError[] => {
  const { fsGroup, runAsUser, runAsGroup, supplementalGroups = [] } = context;
  return [
    ...(fsGroup === undefined ? [] : checked(fsGroup, path.child('fsGroup'), validateGroupId(fsGroup))),
    ...(runAsUser === undefined ? [] : checked(runAsUser, path.child('runAsUser'), validateUserId(runAsUser))),
    ...(runAsGroup === undefined ? [] : checked(runAsGroup, path.child('runAsGroup'), validateGroupId(runAsGroup))),
    ...supplementalGroups.flatMap((group, index) => checked(group, path.child('supplementalGroups').index(index), validateGroupId(group))),
  ];
};

/** As upstream prints its internal type. */
function asInternal(context: SecurityContext): unknown {
  const { capabilities, seLinuxOptions, windowsOptions, seccompProfile, appArmorProfile } = context;
  const profile = (own: typeof seccompProfile): unknown => own && { Type: own.type, LocalhostProfile: own.localhostProfile ?? null };
  const { user: User = '', role: Role = '', type: Type = '', level: Level = '' } = seLinuxOptions ?? {};
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName, hostProcess } = windowsOptions ?? {};
  const shown = {
    Capabilities: capabilities && { Add: capabilities.add ?? null, Drop: capabilities.drop ?? null },
    Privileged: context.privileged,
    SELinuxOptions: seLinuxOptions && { User, Role, Type, Level },
    WindowsOptions: windowsOptions && {
      GMSACredentialSpecName: gmsaCredentialSpecName ?? null,
      GMSACredentialSpec: gmsaCredentialSpec ?? null,
      RunAsUserName: runAsUserName ?? null,
      HostProcess: hostProcess ?? null,
    },
    RunAsUser: context.runAsUser,
    RunAsGroup: context.runAsGroup,
    RunAsNonRoot: context.runAsNonRoot,
    ReadOnlyRootFilesystem: context.readOnlyRootFilesystem,
    AllowPrivilegeEscalation: context.allowPrivilegeEscalation,
    ProcMount: context.procMount,
    SeccompProfile: profile(seccompProfile),
    AppArmorProfile: profile(appArmorProfile),
  };
  return Object.fromEntries(Object.entries(shown).map(([field, value]) => [field, value ?? null]));
}

/** Of a container. */
export function validateSecurityContext(context: SecurityContext | undefined, hostUsers: boolean, path: FieldPath): FieldError[] {
  if (!context) return [];
  const errors = ids(context, path);
  const { procMount, privileged, allowPrivilegeEscalation, capabilities } = context;
  if (procMount !== undefined) {
    const at = path.child('procMount');
    if (procMount !== 'Default' && procMount !== 'Unmasked') errors.push(notSupportedInOrder(at, procMount, ['Default', 'Unmasked']));
    if (hostUsers && procMount === 'Unmasked') errors.push(invalidValue(at, procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  errors.push(...validateSeccomp(context.seccompProfile, path.child('seccompProfile')));
  if (allowPrivilegeEscalation === false) {
    if (privileged) errors.push(invalidValue(path, asInternal(context), 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    for (const capability of capabilities?.add ?? []) {
      if (capability !== 'CAP_SYS_ADMIN') continue;
      errors.push(invalidValue(path, asInternal(context), 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
    }
  }
  errors.push(...validateWindowsOptions(context.windowsOptions, path.child('windowsOptions')));
  return [...errors, ...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile'))];
}

const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlRule = `^(${segment}[\\./])*${segment}$`;
const sysctlPattern = new RegExp(sysctlRule);

/** Sysctls of a namespace that the pod shares with the host would change the host. */
function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  // Written with slashes, a dot is part of a name: `net/ipv4/conf/eth0.100`.
  const slashed = /[./]/.exec(name)?.[0] === '/';
  const dotted = slashed ? name.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : name;
  if (dotted.startsWith('net.')) return 'net';
  return /^(kernel\.(sem|shm(all|max|mni|_rmid_forced)?|msg(max|mnb|mni)?)$|fs\.mqueue\.)/.test(dotted) ? 'ipc' : undefined;
}

function validateSysctls(spec: PodSpec, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return (spec.securityContext?.sysctls ?? []).flatMap(({ name = '' }, index) => {
    const at = path.index(index).child('name');
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(at));
    else if (Buffer.byteLength(name) > 253 || !sysctlPattern.test(name)) {
      errors.push(invalidValue(at, name, `must have at most 253 characters and match regex ${sysctlRule}`));
    } else if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    const namespace = sysctlNamespace(name);
    if (spec.hostNetwork && namespace === 'net') errors.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && namespace === 'ipc') errors.push(invalidValue(at, name, "may not be specified when 'hostIPC' is true"));
    return errors;
  });
}

const optional = (value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] =>
  value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)];

/** Of the pod. */
export function validatePodSecurityContext(spec: PodSpec, path: FieldPath, { old }: PodSpecOptions): FieldError[] {
  const context = spec.securityContext ?? {};
  const errors = ids(context, path);
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.push(invalidValue(path.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
  errors.push(...validateSysctls(spec, path.child('sysctls')));
  errors.push(...optional(context.fsGroupChangePolicy, ['OnRootMismatch', 'Always'], path.child('fsGroupChangePolicy')));
  errors.push(...validateSeccomp(context.seccompProfile, path.child('seccompProfile')));
  errors.push(...validateWindowsOptions(context.windowsOptions, path.child('windowsOptions')));
  errors.push(...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile')));
  errors.push(...optional(context.supplementalGroupsPolicy, ['Merge', 'Strict'], path.child('supplementalGroupsPolicy')));
  // The other one is off by default upstream.
  const policies = old?.securityContext?.seLinuxChangePolicy === undefined ? ['Recursive'] : ['MountOption', 'Recursive'];
  return [...errors, ...optional(context.seLinuxChangePolicy, policies, path.child('seLinuxChangePolicy'))];
}

/** With users of its own a pod cannot be in the host's other namespaces. */
export function validateHostUsers(spec: PodSpec, path: FieldPath): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const why = 'when `hostUsers` is false';
  const errors: FieldError[] = [];
  if (spec.hostNetwork) errors.push(forbiddenField(path.child('hostNetwork'), why));
  if (spec.hostPID) errors.push(forbiddenField(path.child('HostPID'), why));
  if (spec.hostIPC) errors.push(forbiddenField(path.child('HostIPC'), why));
  const devices = eachContainer(spec, path, ({ volumeDevices = [] }, at) => (volumeDevices.length > 0 ? [forbiddenField(at.child('volumeDevices'), why)] : []));
  return [...errors, ...devices];
}
