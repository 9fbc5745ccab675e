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
  const publishTo = (family: 'ip' | 'ip6', addresses: readonly (string | undefined)[]): string => {
    const nodes = addresses.map((address, index) => `${index} : ${address}`).join(', ');
    // What goes to the loopback of IPv6 can't leave it: the kernel has no route_localnet there.
    const local = family === 'ip' ? 'meta nfproto ipv4' : 'ip6 daddr != ::1';
    return `${local} fib daddr type local meta l4proto . th dport @published dnat ${family} to numgen inc mod ${addresses.length} map { ${nodes} }`;
  };
  const { nodes, bridgeSubnet6 } = config;
  const publish = [
    publishTo(
      'ip',
      nodes.map(({ ip }) => ip),
    ),
    ...(bridgeSubnet6
      ? [
          publishTo(
            'ip6',
            nodes.map(({ ip6 }) => ip6),
          ),
        ]
      : []),
  ];
  const masquerade = (family: 'ip' | 'ip6', subnet: string): string[] => [
    `${family} saddr ${subnet} oifname != "${bridge}" masquerade`,
    `oifname "${bridge}" ${family} saddr != ${subnet} masquerade`,
  ];
  const leaving = [...masquerade('ip', config.bridgeSubnet as string), ...(bridgeSubnet6 ? masquerade('ip6', bridgeSubnet6) : [])];
  const lines = (rules: readonly string[]): string => rules.map((rule) => `    ${rule}`).join('\n');
  return `${replace}table inet ${table} {
  set published {
    type inet_proto . inet_service
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${lines(publish.map((rule) => `iifname != "${bridge}" ${rule}`))}
  }
  chain output {
    type nat hook output priority -100; policy accept;
${lines(publish)}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${lines(leaving)}
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
