/** Kernel parameters that a pod may set: those that concern nobody else, and those that the node's owner allows. */
import type { Pod } from '../../api/core/v1/types.gen.ts';

const safe = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
];

/** Parameters that the kernel keeps per namespace, by prefix: others would change the node. */
const namespaced: readonly [string, 'ipc' | 'net'][] = [
  ['kernel.sem', 'ipc'],
  ['kernel.shm', 'ipc'],
  ['kernel.msg', 'ipc'],
  ['fs.mqueue.', 'ipc'],
  ['net.', 'net'],
];

const matches = (pattern: string, name: string): boolean => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name);

/** What is wrong with the first one that is not allowed. */
export function forbiddenSysctl(pod: Pod, allowedUnsafe: readonly string[]): string | undefined {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const dotted = name.replaceAll('/', '.');
    if (![...safe, ...allowedUnsafe.map((pattern) => pattern.replaceAll('/', '.'))].some((pattern) => matches(pattern, dotted)))
      return `"${dotted}" not allowlisted`;
    const kind = namespaced.find(([prefix]) => dotted.startsWith(prefix))?.[1];
    if (kind === 'ipc' && pod.spec.hostIPC) return `"${dotted}" not allowed with host ipc enabled`;
    if (kind === 'net' && pod.spec.hostNetwork) return `"${dotted}" not allowed with host net enabled`;
  }
  return undefined;
}
