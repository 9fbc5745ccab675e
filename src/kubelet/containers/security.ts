/** A pod's and a container's security contexts as the runtime takes them. What the container says wins over what the pod says. */
import type { Container, Pod, PodSecurityContext, SELinuxOptions, SeccompProfile, SecurityContext } from '../../api/core/v1/types.gen.ts';
import { describePod } from '../context.ts';
import type { LinuxContainerSecurityContext, LinuxSandboxSecurityContext, NamespaceOption, SELinuxOption, SecurityProfile } from '../cri/types.gen.ts';

const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function namespaceOptions(pod: Pod, container?: Container, targetId = ''): NamespaceOption {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  const ephemeral = container && pod.spec.ephemeralContainers?.find(({ name }) => name === container.name);
  return {
    network: hostNetwork ? 'NODE' : 'POD',
    ipc: hostIPC ? 'NODE' : 'POD',
    pid: ephemeral?.targetContainerName ? 'TARGET' : hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER',
    ...(targetId ? { targetId } : {}),
  };
}

export interface SecurityDefaults {
  seccompRoot: string;
  seccompDefault: boolean;
}

function seccompOf(profile: SeccompProfile | undefined, { seccompRoot, seccompDefault }: SecurityDefaults): SecurityProfile {
  if (profile?.type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' };
  if (profile?.type === 'Localhost') return { profileType: 'Localhost', localhostRef: `${seccompRoot}/${profile.localhostProfile}` };
  return { profileType: !profile && seccompDefault ? 'RuntimeDefault' : 'Unconfined' };
}

function apparmorOf(profile: { type: string; localhostProfile?: string } | undefined): SecurityProfile | undefined {
  if (!profile) return undefined;
  if (profile.type === 'Localhost') return { profileType: 'Localhost', localhostRef: profile.localhostProfile ?? '' };
  return { profileType: profile.type === 'Unconfined' ? 'Unconfined' : 'RuntimeDefault' };
}

const selinuxOf = (options: SELinuxOptions | undefined): SELinuxOption | undefined =>
  options && { user: options.user ?? '', role: options.role ?? '', type: options.type ?? '', level: options.level ?? '' };

export function effectiveSecurity(pod: Pod, container: Container): SecurityContext & Pick<PodSecurityContext, 'runAsNonRoot'> {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  return {
    ...own,
    runAsUser: own.runAsUser ?? ofPod.runAsUser,
    runAsGroup: own.runAsGroup ?? ofPod.runAsGroup,
    runAsNonRoot: own.runAsNonRoot ?? ofPod.runAsNonRoot,
    seLinuxOptions: own.seLinuxOptions ?? ofPod.seLinuxOptions,
    seccompProfile: own.seccompProfile ?? ofPod.seccompProfile,
    appArmorProfile: own.appArmorProfile ?? ofPod.appArmorProfile,
  };
}

/** Throws upstream's words when the container may not run as the user that it would run as. */
export function verifyRunAsNonRoot(pod: Pod, container: Container, imageUid: number | undefined, imageUser: string): void {
  const { runAsNonRoot, runAsUser } = effectiveSecurity(pod, container);
  if (!runAsNonRoot) return;
  const where = `(pod: "${describePod(pod)}", container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (imageUid === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`);
  if (imageUid === undefined && imageUser)
    throw new Error(`container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root ${where}`);
}

function supplementalGroups(pod: Pod, extra: readonly number[]): number[] {
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {};
  return [...new Set([...(fsGroup === undefined ? [] : [fsGroup]), ...supplementalGroups, ...extra])];
}

export interface ImageUser {
  uid?: number;
  username: string;
}

/** Whether the kubelet can rely on the runtime to find the primary group: a user without a group needs it. */
export function containerSecurity(
  pod: Pod,
  container: Container,
  image: ImageUser,
  defaults: SecurityDefaults,
  extraGroups: readonly number[],
  targetId: string,
): LinuxContainerSecurityContext {
  const effective = effectiveSecurity(pod, container);
  const user = effective.runAsUser ?? (effective.runAsUser === undefined ? image.uid : undefined);
  const privileged = effective.privileged ?? false;
  const apparmor = apparmorOf(effective.appArmorProfile);
  const seccomp = privileged && !effective.seccompProfile ? undefined : seccompOf(effective.seccompProfile, defaults);
  const unmasked = effective.procMount === 'Unmasked';
  return {
    privileged,
    readonlyRootfs: effective.readOnlyRootFilesystem ?? false,
    namespaceOptions: namespaceOptions(pod, container, targetId),
    ...(user === undefined ? (image.username ? { runAsUsername: image.username } : {}) : { runAsUser: { value: user } }),
    ...(effective.runAsGroup === undefined ? {} : { runAsGroup: { value: effective.runAsGroup } }),
    supplementalGroups: supplementalGroups(pod, extraGroups),
    supplementalGroupsPolicy: pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    noNewPrivs: effective.allowPrivilegeEscalation === false && !privileged,
    ...(effective.capabilities
      ? { capabilities: { addCapabilities: effective.capabilities.add ?? [], dropCapabilities: effective.capabilities.drop ?? [] } }
      : {}),
    ...(seccomp ? { seccomp } : {}),
    ...(apparmor ? { apparmor } : {}),
    ...(apparmor?.profileType === 'Localhost' ? { apparmorProfile: `localhost/${apparmor.localhostRef}` } : {}),
    ...(effective.seLinuxOptions ? { selinuxOptions: selinuxOf(effective.seLinuxOptions) } : {}),
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
  };
}

export function sandboxSecurity(pod: Pod, defaults: SecurityDefaults): LinuxSandboxSecurityContext {
  const own = pod.spec.securityContext ?? {};
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged: [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some((container) => container.securityContext?.privileged === true),
    seccomp: { profileType: 'RuntimeDefault' },
    supplementalGroups: supplementalGroups(pod, []),
    supplementalGroupsPolicy: own.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    ...(own.runAsUser === undefined ? {} : { runAsUser: { value: own.runAsUser } }),
    ...(own.runAsGroup === undefined || own.runAsUser === undefined ? {} : { runAsGroup: { value: own.runAsGroup } }),
    ...(own.seLinuxOptions ? { selinuxOptions: selinuxOf(own.seLinuxOptions) } : {}),
    ...(own.seccompProfile ? { seccomp: seccompOf(own.seccompProfile, defaults) } : {}),
  };
}
