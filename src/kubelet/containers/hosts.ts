/** The names of a pod: its hostname, its domain, and the `/etc/hosts` that the kubelet keeps for it. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Pod } from '../../api/core/v1/types.gen.ts';

const header = '# Kubernetes-managed hosts file.\n';
const hostHeader = '# Kubernetes-managed hosts file (host network).\n';
const maxHostname = 63;

export function hostnameOf(pod: Pod, clusterDomain: string): { hostname: string; domain: string } {
  const { hostname, hostnameOverride, subdomain } = pod.spec;
  const cut = (name: string): string => (name.length > maxHostname ? name.slice(0, maxHostname).replace(/[-.]+$/, '') : name);
  if (hostnameOverride) return { hostname: cut(hostnameOverride), domain: '' };
  return { hostname: cut(hostname || pod.metadata.name), domain: subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : '' };
}

/** What `uname` says in the pod; with `setHostnameAsFQDN` the whole name, which must fit into 64 characters. */
export function sandboxHostname(pod: Pod, clusterDomain: string): string {
  const { hostname, domain } = hostnameOf(pod, clusterDomain);
  if (!pod.spec.setHostnameAsFQDN || !domain) return hostname;
  const full = `${hostname}.${domain}`;
  if (full.length > 64)
    throw new Error(
      `Failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (64 characters is the max, ${full.length} characters requested)`,
    );
  return full;
}

export async function writeHostsFile(path: string, pod: Pod, podIps: readonly string[], clusterDomain: string): Promise<void> {
  const { hostname, domain } = hostnameOf(pod, clusterDomain);
  const aliases = pod.spec.hostAliases?.length
    ? `\n# Entries added by HostAliases.\n${pod.spec.hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`).join('')}`
    : '';
  const body = pod.spec.hostNetwork
    ? hostHeader + (await readFile('/etc/hosts', 'utf8'))
    : `${header}127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n` +
      podIps.map((ip) => (domain ? `${ip}\t${hostname}.${domain}\t${hostname}\n` : `${ip}\t${hostname}\n`)).join('');
  await writeFile(path, body + aliases, { mode: 0o644 });
}
