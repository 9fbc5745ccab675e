/** Baseline: nothing of the host's. */
import type { LifecycleHandler, Probe } from '../../../../api/core/v1/types.gen.ts';
import { type AnyContainer, type Check, containersOf, joinQuoted, namesWhere, type PodCheck, plural, setters, shown, sortedUnique } from '../check.ts';

const hostNamespaces: PodCheck = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name]).map((name) => `${name}=true`);
  return used.length > 0 ? { reason: 'host namespaces', detail: used.join(', ') } : undefined;
};

const hostPathVolumes: PodCheck = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  return names.length > 0 ? { reason: 'hostPath volumes', detail: shown('volume', names) } : undefined;
};

const hostPortsOf = ({ ports }: AnyContainer): number[] => (ports ?? []).flatMap(({ hostPort }) => (hostPort ? [hostPort] : []));

const hostPorts: PodCheck = (pod) => {
  const names = namesWhere(pod, (container) => hostPortsOf(container).length > 0);
  if (names.length === 0) return undefined;
  const ports = sortedUnique(containersOf(pod).flatMap(hostPortsOf).map(String));
  return { reason: 'hostPort', detail: `${shown('container', names)} ${plural(names, 'uses', 'use')} ${plural(ports, 'hostPort')} ${ports.join(', ')}` };
};

const hostsOf = (action: Probe | LifecycleHandler | undefined): string[] =>
  [action?.httpGet?.host, action?.tcpSocket?.host].filter((host) => !!host) as string[];

const actionHosts = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): string[] =>
  [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf);

const hostProbes: PodCheck = (pod) => {
  const names = sortedUnique(namesWhere(pod, (container) => actionHosts(container).length > 0));
  if (names.length === 0) return undefined;
  const hosts = sortedUnique(containersOf(pod).flatMap(actionHosts));
  return {
    reason: 'probe or lifecycle host',
    detail: `${shown('container', names)} ${plural(names, 'uses', 'use')} ${plural(hosts, 'probe or lifecycle host')} ${joinQuoted(hosts)}`,
  };
};

const hostProcess: PodCheck = (pod) => {
  const who = setters(
    pod.spec.securityContext?.windowsOptions?.hostProcess === true,
    namesWhere(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true),
  );
  return who.length > 0 ? { reason: 'hostProcess', detail: `${who.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true` } : undefined;
};

export const hostChecks: readonly Check[] = [
  { id: 'hostNamespaces', level: 'baseline', versions: [{ since: 0, check: hostNamespaces }] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [{ since: 0, check: hostPathVolumes }] },
  { id: 'hostPorts', level: 'baseline', versions: [{ since: 0, check: hostPorts }] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [{ since: 34, check: hostProbes }] },
  { id: 'windowsHostProcess', level: 'baseline', versions: [{ since: 0, check: hostProcess }] },
];
