/** What a kubelet may report of a pod. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, internalFieldError, invalidValue, path } from '../../../../apimachinery/fieldpath.ts';
import { isIPv4, isIPv6, warningsForIp } from '../../../../apimachinery/ip.ts';
import { subdomainName, validateGroupId, validateUserId } from '../../../../apimachinery/names.ts';
import { checked, validateImmutable, validateLegacyIpField, validateQualifiedNameField } from '../../../../apimachinery/validation/common.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from '../types.gen.ts';
import { validateAllocatedHealth, validateClaimStatuses, validateExtendedClaimStatus, validateNodeAllocatable } from './claimstatus.ts';
import { allContainersCouldRestart, containerShouldRestart } from './restart.ts';
import { validatePodAnnotationsUpdate } from './updatevalidation.ts';

const statusPath = path('status');
const systemConditions: readonly string[] = ['PodScheduled', 'Ready', 'Initialized'];
const notNegative = 'must be a non-negative integer';

function validateConditions({ conditions = [] }: PodStatus): FieldError[] {
  return conditions.flatMap(({ type, observedGeneration = 0 }, index) => {
    const at = statusPath.child('conditions').index(index);
    const errors = observedGeneration < 0 ? [invalidValue(at.child('observedGeneration'), observedGeneration, notNegative)] : [];
    return systemConditions.includes(type) ? errors : [...errors, ...validateQualifiedNameField(type, at.child('Type'))];
  });
}

function validateNomination(status: PodStatus, before: PodStatus, bound: boolean): FieldError[] {
  const name = status.nominatedNodeName ?? '';
  if (name === '' || name === before.nominatedNodeName) return [];
  const at = statusPath.child('nominatedNodeName');
  const errors = checked(name, at, subdomainName(name, false));
  return bound ? [...errors, forbiddenField(at, 'may not be set on pods that are already bound to a node')] : errors;
}

/** What has ended may only begin again if it may be restarted. */
function validateTransitions(
  now: readonly ContainerStatus[] = [],
  before: readonly ContainerStatus[] = [],
  mayRestart: (name: string, exitCode: number) => boolean,
  at: FieldPath,
): FieldError[] {
  return before.flatMap(({ name, state }, index) => {
    if (!state?.terminated) return [];
    const revived = now.find((status) => status.name === name && !status.state?.terminated);
    if (!revived || mayRestart(name, state.terminated.exitCode)) return [];
    return forbiddenField(at.index(index).child('state'), 'may not be transitioned to non-terminated state');
  });
}

function validateAllTransitions(status: PodStatus, before: PodStatus, spec: PodSpec): FieldError[] {
  const all = allContainersCouldRestart(spec);
  const byPolicy =
    (containers: readonly Container[] = []) =>
    (name: string, exitCode: number): boolean => {
      const container = containers.find((one) => one.name === name);
      return all || (container !== undefined && containerShouldRestart(container, spec, exitCode));
    };
  return [
    ...validateTransitions(status.containerStatuses, before.containerStatuses, byPolicy(spec.containers), statusPath.child('containerStatuses')),
    ...validateTransitions(
      status.initContainerStatuses,
      before.initContainerStatuses,
      byPolicy(spec.initContainers),
      statusPath.child('initContainerStatuses'),
    ),
    ...validateTransitions(status.ephemeralContainerStatuses, before.ephemeralContainerStatuses, () => false, statusPath.child('ephemeralContainerStatuses')),
  ];
}

interface Address {
  ip: string;
}

function validateAddresses(now: readonly Address[], before: readonly Address[], at: FieldPath): FieldError[] {
  const known = before.map(({ ip }) => ip);
  const errors = now.flatMap(({ ip }, index) => validateLegacyIpField(ip, at.index(index), true, known));
  if (now.length < 2) return errors;
  const unknown = now.findIndex(({ ip }) => !isIPv4(ip) && !isIPv6(ip));
  if (unknown >= 0) errors.push(internalFieldError(at, `failed to check for dual stack with error:invalid IP[${unknown}]: ${now[unknown]!.ip}`));
  const dualStack = now.length === 2 && now.some(({ ip }) => isIPv4(ip)) && now.some(({ ip }) => isIPv6(ip));
  // As upstream prints its internal type.
  const shown = now.map(({ ip }) => ({ IP: ip }));
  return dualStack ? errors : [...errors, invalidValue(at, shown, 'may specify no more than one IP for each IP family')];
}

function validateHostAddresses({ hostIP = '', hostIPs = [] }: PodStatus, before: PodStatus): FieldError[] {
  if (hostIPs.length === 0) return [];
  const at = statusPath.child('hostIPs');
  const first = hostIPs[0]!.ip;
  const errors = first === hostIP ? [] : [invalidValue(at.index(0).child('ip'), first, 'must be equal to `hostIP`')];
  return [...errors, ...validateAddresses(hostIPs, before.hostIPs ?? [], at)];
}

function validateUsers(statuses: readonly ContainerStatus[] = [], os: PodSpec['os'], at: FieldPath): FieldError[] {
  return statuses.flatMap(({ user }, index) => {
    const linux = user?.linux;
    if (!linux) return [];
    const one = at.index(index).child('user', 'linux');
    if (os?.name === 'windows') return [forbiddenField(one, 'cannot be set for a windows pod')];
    return [
      ...checked(linux.uid, one.child('uid'), validateUserId(linux.uid)),
      ...checked(linux.gid, one.child('gid'), validateGroupId(linux.gid)),
      ...(linux.supplementalGroups ?? []).flatMap((group, position) => checked(group, one.child('supplementalGroups').index(position), validateGroupId(group))),
    ];
  });
}

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const { spec, status = {} } = pod;
  const before = old.status ?? {};
  const errors = [...validatePodAnnotationsUpdate(pod, old), ...validateConditions(status), ...validateNomination(status, before, Boolean(old.spec.nodeName))];
  const generation = status.observedGeneration ?? 0;
  if (generation < 0) errors.push(invalidValue(statusPath.child('observedGeneration'), generation, notNegative));
  errors.push(...validateImmutable(status.qosClass ?? '', before.qosClass ?? '', statusPath.child('qosClass')));
  errors.push(...validateAllTransitions(status, before, old.spec));
  errors.push(...validateClaimStatuses(status, spec, statusPath.child('resourceClaimStatuses')));
  errors.push(...validateExtendedClaimStatus(status, spec, statusPath.child('extendedResourceClaimStatus')));
  errors.push(...validateNodeAllocatable(status, spec, statusPath.child('nodeAllocatableResourceClaimStatuses')));
  errors.push(...validateAddresses(status.podIPs ?? [], before.podIPs ?? [], statusPath.child('podIPs')));
  errors.push(...validateHostAddresses(status, before));
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const) {
    errors.push(...validateUsers(status[list], spec.os, statusPath.child(list)));
  }
  errors.push(...validateAllocatedHealth(status, spec, statusPath));
  return errors;
}

export function podStatusWarnings({ status }: Pod): string[] {
  const each = (list: 'podIPs' | 'hostIPs'): string[] =>
    (status?.[list] ?? []).flatMap(({ ip }, index) => warningsForIp(statusPath.child(list).index(index).child('ip').toString(), ip));
  return [...each('podIPs'), ...each('hostIPs')];
}
