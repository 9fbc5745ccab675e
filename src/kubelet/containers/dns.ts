/** A pod's resolver configuration by its dnsPolicy and dnsConfig. */
import { readFile } from 'node:fs/promises';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { DNSConfig } from '../cri/types.gen.ts';

const maxServers = 3;
const maxSearches = 32;
const maxSearchLength = 2048;

export interface Resolver {
  servers: string[];
  searches: string[];
  options: string[];
}

export function parseResolvConf(text: string): Resolver {
  const found: Resolver = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && words[0]) found.servers.push(words[0]);
    else if (keyword === 'search') found.searches = words.map((word) => (word === '.' ? word : word.replace(/\.$/, '')));
    else if (keyword === 'options') found.options = words;
  }
  return found;
}

export interface DnsSettings {
  clusterDns: string[];
  clusterDomain: string;
  /** File that `Default` copies. */
  resolvConf: string;
  /** Reports what had to be left out. */
  warn(message: string): void;
}

const unique = (list: string[]): string[] => [...new Set(list)];

export async function dnsConfigOf(pod: Pod, settings: DnsSettings): Promise<DNSConfig> {
  const host = parseResolvConf(await readFile(settings.resolvConf, 'utf8').catch(() => ''));
  const { clusterDns, clusterDomain } = settings;
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const clusterFirst = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec.hostNetwork);
  let config: Resolver = host;
  if (policy === 'None') config = { servers: [], searches: [], options: [] };
  else if (clusterFirst && clusterDns.length > 0) {
    const namespace = pod.metadata.namespace ?? '';
    const own = clusterDomain ? [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : [];
    config = { servers: clusterDns, searches: unique([...own, ...host.searches]), options: ['ndots:5'] };
  }
  const extra = pod.spec.dnsConfig;
  if (extra) {
    const options = new Map(config.options.map((option) => [option.split(':')[0] ?? option, option]));
    for (const { name = '', value } of extra.options ?? []) options.set(name, value === undefined ? name : `${name}:${value}`);
    config = {
      servers: unique([...config.servers, ...(extra.nameservers ?? [])]),
      searches: unique([...config.searches, ...(extra.searches ?? [])]),
      options: [...options.values()],
    };
  }
  return limited(config, settings.warn);
}

function limited({ servers, searches, options }: Resolver, warn: (message: string) => void): DNSConfig {
  const keptServers = servers.slice(0, maxServers);
  if (servers.length > maxServers)
    warn(`Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${keptServers.join(' ')}`);
  let keptSearches = searches.slice(0, maxSearches);
  while (keptSearches.join(' ').length > maxSearchLength) keptSearches = keptSearches.slice(0, -1);
  if (keptSearches.length < searches.length)
    warn(`Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${keptSearches.join(' ')}`);
  return { servers: keptServers, searches: keptSearches, options };
}
