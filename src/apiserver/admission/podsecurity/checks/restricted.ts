/** Restricted: the current best practice of hardening. */
import type { Volume } from '../../../../api/core/v1/types.gen.ts';
import {
  type Check,
  containersOf,
  hasUserNamespace,
  isWindows,
  joinQuoted,
  namesWhere,
  type PodCheck,
  plural,
  setters,
  shown,
  sortedUnique,
  unless,
} from '../check.ts';
import { isSeccompType, procMount, seccompFields } from './baseline.ts';

const privilegeEscalation: PodCheck = (pod) => {
  const names = namesWhere(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  return names.length > 0
    ? { reason: 'allowPrivilegeEscalation != false', detail: `${shown('container', names)} must set securityContext.allowPrivilegeEscalation=false` }
    : undefined;
};

const capabilities: PodCheck = (pod) => {
  const beyond = (added: readonly string[] = []): string[] => added.filter((one) => one !== 'NET_BIND_SERVICE');
  const keeping = namesWhere(pod, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
  const adding = namesWhere(pod, ({ securityContext }) => beyond(securityContext?.capabilities?.add).length > 0);
  const added = sortedUnique(containersOf(pod).flatMap(({ securityContext }) => beyond(securityContext?.capabilities?.add)));
  const details = [
    ...(keeping.length > 0 ? [`${shown('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${shown('container', adding)} must not include ${joinQuoted(added)} in securityContext.capabilities.add`] : []),
  ];
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
};

const allowedVolumes = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'] as const;
const isAllowed = (volume: Volume): boolean => allowedVolumes.some((type) => volume[type]);
const typeOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';

const volumes: PodCheck = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => !isAllowed(volume));
  if (bad.length === 0) return undefined;
  const types = sortedUnique(bad.map(typeOf));
  const names = bad.map(({ name }) => name);
  return {
    reason: 'restricted volume types',
    detail: `${shown('volume', names)} ${plural(names, 'uses', 'use')} ${plural(types, 'restricted volume type')} ${joinQuoted(types)}`,
  };
};

const nonRoot: PodCheck = (pod) => {
  const reason = 'runAsNonRoot != true';
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const who = setters(
    ofPod === false,
    namesWhere(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false),
  );
  if (who.length > 0) return { reason, detail: `${who.join(' and ')} must not set securityContext.runAsNonRoot=false` };
  const silent = ofPod === true ? [] : namesWhere(pod, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  return silent.length > 0 ? { reason, detail: `pod or ${shown('container', silent)} must set securityContext.runAsNonRoot=true` } : undefined;
};

const rootUser: PodCheck = (pod) => {
  const who = setters(
    pod.spec.securityContext?.runAsUser === 0,
    namesWhere(pod, ({ securityContext }) => securityContext?.runAsUser === 0),
  );
  return who.length > 0 ? { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` } : undefined;
};

const seccomp: PodCheck = (pod) => {
  const violation = seccompFields(pod);
  if (violation || isSeccompType(pod.spec.securityContext?.seccompProfile?.type)) return violation;
  const silent = namesWhere(pod, ({ securityContext }) => securityContext?.seccompProfile === undefined);
  return silent.length > 0
    ? {
        reason: 'seccompProfile',
        detail: `pod or ${shown('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      }
    : undefined;
};

export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      { since: 8, check: privilegeEscalation },
      { since: 25, check: unless(isWindows, privilegeEscalation) },
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    overrides: 'capabilities_baseline',
    versions: [
      { since: 22, check: capabilities },
      { since: 25, check: unless(isWindows, capabilities) },
    ],
  },
  { id: 'procMount_restricted', level: 'restricted', overrides: 'procMount', versions: [{ since: 35, check: procMount }] },
  { id: 'restrictedVolumes', level: 'restricted', overrides: 'hostPathVolumes', versions: [{ since: 0, check: volumes }] },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      { since: 0, check: nonRoot },
      { since: 35, check: unless(hasUserNamespace, nonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      { since: 23, check: rootUser },
      { since: 35, check: unless(hasUserNamespace, rootUser) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    overrides: 'seccompProfile_baseline',
    versions: [
      { since: 19, check: seccomp },
      { since: 25, check: unless(isWindows, seccomp) },
    ],
  },
];
