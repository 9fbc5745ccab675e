/** Baseline: no known way to more privileges. */
import type { SELinuxOptions } from '../../../../api/core/v1/types.gen.ts';
import { type Check, containersOf, hasUserNamespace, joinQuoted, namesWhere, type PodCheck, plural, setters, shown, sortedUnique, unless } from '../check.ts';

const privileged: PodCheck = (pod) => {
  const names = namesWhere(pod, ({ securityContext }) => securityContext?.privileged === true);
  return names.length > 0 ? { reason: 'privileged', detail: `${shown('container', names)} must not set securityContext.privileged=true` } : undefined;
};

const defaultCapabilities: ReadonlySet<string> = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' '),
);

const capabilities: PodCheck = (pod) => {
  const beyond = (added: readonly string[] = []): string[] => added.filter((one) => !defaultCapabilities.has(one));
  const names = namesWhere(pod, ({ securityContext }) => beyond(securityContext?.capabilities?.add).length > 0);
  if (names.length === 0) return undefined;
  const forbidden = sortedUnique(containersOf(pod).flatMap(({ securityContext }) => beyond(securityContext?.capabilities?.add)));
  return {
    reason: 'non-default capabilities',
    detail: `${shown('container', names)} must not include ${joinQuoted(forbidden)} in securityContext.capabilities.add`,
  };
};

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';

const appArmor: PodCheck = (pod) => {
  const bad = (type: string | undefined): boolean => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const ofPod = pod.spec.securityContext?.appArmorProfile?.type;
  const names = namesWhere(pod, ({ securityContext }) => bad(securityContext?.appArmorProfile?.type));
  const types = [ofPod, ...containersOf(pod).map(({ securityContext }) => securityContext?.appArmorProfile?.type)].filter(bad) as string[];
  const annotations = Object.entries(pod.annotations)
    .filter(([key, value]) => key.startsWith(appArmorAnnotation) && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const who = [...setters(bad(ofPod), names), ...(annotations.length > 0 ? [plural(annotations, 'annotation')] : [])];
  if (who.length === 0) return undefined;
  const values = [...sortedUnique(types), ...annotations];
  return { reason: plural(values, 'forbidden AppArmor profile'), detail: `${who.join(' and ')} must not set AppArmor profile type to ${joinQuoted(values)}` };
};

/** Restricted again forbids what user namespaces made harmless. */
export const procMount: PodCheck = (pod) => {
  const bad = (type: string | undefined): boolean => type !== undefined && type !== 'Default';
  const names = namesWhere(pod, ({ securityContext }) => bad(securityContext?.procMount));
  if (names.length === 0) return undefined;
  const types = containersOf(pod).flatMap(({ securityContext }) => (bad(securityContext?.procMount) ? [securityContext?.procMount ?? ''] : []));
  return { reason: 'procMount', detail: `${shown('container', names)} must not set securityContext.procMount to ${joinQuoted(sortedUnique(types))}` };
};

function seLinux(...allowed: readonly string[]): PodCheck {
  const badType = (type: string | undefined): boolean => !!type && !allowed.includes(type);
  const bad = (options: SELinuxOptions | undefined): boolean => options !== undefined && (badType(options.type) || !!options.user || !!options.role);
  return (pod) => {
    const all = [pod.spec.securityContext?.seLinuxOptions, ...containersOf(pod).map(({ securityContext }) => securityContext?.seLinuxOptions)].filter(bad);
    if (all.length === 0) return undefined;
    const who = setters(
      bad(pod.spec.securityContext?.seLinuxOptions),
      namesWhere(pod, ({ securityContext }) => bad(securityContext?.seLinuxOptions)),
    );
    const types = sortedUnique(all.flatMap((options) => (badType(options?.type) ? [options?.type ?? ''] : [])));
    const what = [
      ...(types.length > 0 ? [shown('type', types)] : []),
      ...(all.some((options) => options?.user) ? ['user may not be set'] : []),
      ...(all.some((options) => options?.role) ? ['role may not be set'] : []),
    ];
    return { reason: 'seLinuxOptions', detail: `${who.join(' and ')} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` };
  };
}

const selinuxTypes = ['container_t', 'container_init_t', 'container_kvm_t'];

/** The profile of the time before there was a field for it. */
const seccompAnnotations: PodCheck = (pod) => {
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...namesWhere(pod, () => true).map((name) => `container.seccomp.security.alpha.kubernetes.io/${name}`),
  ];
  const fine = (value: string): boolean => value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
  const forbidden = sortedUnique(
    keys.flatMap((key) => {
      const value = pod.annotations[key];
      return value === undefined || fine(value) ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  return forbidden.length > 0 ? { reason: 'seccompProfile', detail: `forbidden ${plural(forbidden, 'annotation')} ${forbidden.join(', ')}` } : undefined;
};

export const isSeccompType = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

export const seccompFields: PodCheck = (pod) => {
  const ofPod = pod.spec.securityContext?.seccompProfile;
  const profiles = [ofPod, ...containersOf(pod).map(({ securityContext }) => securityContext?.seccompProfile)];
  const bad = profiles.filter((profile) => profile && !isSeccompType(profile.type));
  if (bad.length === 0) return undefined;
  const who = setters(
    ofPod !== undefined && !isSeccompType(ofPod.type),
    namesWhere(pod, ({ securityContext }) => securityContext?.seccompProfile !== undefined && !isSeccompType(securityContext.seccompProfile.type)),
  );
  const types = sortedUnique(bad.map((profile) => profile?.type ?? ''));
  return { reason: 'seccompProfile', detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to ${joinQuoted(types)}` };
};

const safeSysctls: readonly { since: number; names: readonly string[] }[] = [
  {
    since: 0,
    names: [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  },
  { since: 27, names: ['net.ipv4.ip_local_reserved_ports'] },
  { since: 29, names: ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'] },
  { since: 32, names: ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'] },
];

function sysctls(minor: number): PodCheck {
  const safe = new Set(safeSysctls.filter(({ since }) => since <= minor).flatMap(({ names }) => names));
  return ({ spec }) => {
    const forbidden = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.has(name));
    return forbidden.length > 0 ? { reason: 'forbidden sysctls', detail: forbidden.join(', ') } : undefined;
  };
}

export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [{ since: 0, check: appArmor }] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [{ since: 0, check: capabilities }] },
  { id: 'privileged', level: 'baseline', versions: [{ since: 0, check: privileged }] },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: unless(hasUserNamespace, procMount) },
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      { since: 0, check: seLinux(...selinuxTypes) },
      { since: 31, check: seLinux(...selinuxTypes, 'container_engine_t') },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccompFields },
    ],
  },
  { id: 'sysctls', level: 'baseline', versions: safeSysctls.map(({ since }) => ({ since, check: sysctls(since) })) },
];
