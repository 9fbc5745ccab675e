/** The host's own nftables table of a cluster, as text: egress NAT and published node ports. A pure function. */
import type { ClusterConfig } from '../config.ts';

export const tableName = (config: Pick<ClusterConfig, 'id'>): string => `knarr-${config.id}`;

/** A node port that a Service has: `tcp`, 30080. */
export interface PublishedPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  port: number;
}

/** A whole replacement of the table, safe to apply again. An isolated cluster gets one that drops what would leave or enter it. */
export function hostRuleset(config: ClusterConfig, bridge: string): string {
  const table = tableName(config);
  const replace = `table inet ${table}\ndelete table inet ${table}\n`;
  if (config.isolated) {
    return `${replace}table inet ${table} {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" oifname != "${bridge}" drop
    oifname "${bridge}" iifname != "${bridge}" drop
  }
}
`;
  }
  const nodes = config.nodes.map((node, index) => `${index} : ${node.ip}`).join(', ');
  const publish = `meta nfproto ipv4 fib daddr type local meta l4proto . th dport @published dnat ip to numgen inc mod ${config.nodes.length} map { ${nodes} }`;
  return `${replace}table inet ${table} {
  set published {
    type inet_proto . inet_service
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname != "${bridge}" ${publish}
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${publish}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${config.bridgeSubnet} oifname != "${bridge}" masquerade
    oifname "${bridge}" ip saddr != ${config.bridgeSubnet} masquerade
  }
}
`;
}

/** One transaction that makes the set of published ports what is given. */
export function publishedPorts(config: Pick<ClusterConfig, 'id'>, ports: readonly PublishedPort[]): string {
  const table = `inet ${tableName(config)}`;
  const elements = [...new Set(ports.map(({ protocol, port }) => `${protocol} . ${port}`))].sort();
  const add = elements.length > 0 ? `add element ${table} published { ${elements.join(', ')} }\n` : '';
  return `flush set ${table} published\n${add}`;
}
