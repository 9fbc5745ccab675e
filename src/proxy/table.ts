/** The frame of the proxy's table, and the text of a transaction that brings it from one state to another. Pure; for nft 1.0.6 and newer. */
import type { IpFamily } from './endpoints.ts';
import type { Fragment } from './fragment.ts';

const tableName = 'knarr-proxy';
/** The bit of the packet mark that says: rewrite the source when this packet leaves. Upstream's kube-proxy uses the same bit. */
const masqueradeBit = '0x4000';

export interface FrameOptions {
  family: IpFamily;
  /** Pods of this node: their way out of the cluster is masqueraded. */
  podCidr: string | undefined;
  /** Pods of the whole cluster. */
  clusterCidr: string | undefined;
}

const nftFamily = (family: IpFamily): string => (family === 'IPv4' ? 'ip' : 'ip6');

/** The whole table without any service, replacing what stands. Applied once at start, and again if a transaction fails. */
export function frame({ family, podCidr, clusterCidr }: FrameOptions): string {
  const ip = nftFamily(family);
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const loopback = family === 'IPv4' ? '127.0.0.0/8' : '::1';
  const byAddress = `type ${address} . inet_proto . inet_service : verdict;`;
  const byPort = 'type inet_proto . inet_service : verdict;';
  const toNodePort = (map: string): string => `fib daddr type local ${ip} daddr != ${loopback} meta l4proto . th dport vmap @${map}`;
  const egress = podCidr && clusterCidr ? `    ${ip} saddr ${podCidr} ${ip} daddr != ${clusterCidr} fib daddr type != local masquerade fully-random\n` : '';
  return `table ${ip} ${tableName}
delete table ${ip} ${tableName}
table ${ip} ${tableName} {
  map service-ips { ${byAddress} }
  map service-nodeports { ${byPort} }
  map refused-ips { ${byAddress} }
  map refused-nodeports { ${byPort} }
  map firewalled-ips { ${byAddress} }
  set hairpin { type ${address} . ${address}; }
  set cluster-ips { type ${address}; }
  chain mark-for-masquerade {
    meta mark set meta mark or ${masqueradeBit}
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain services {
    ${ip} daddr . meta l4proto . th dport vmap @service-ips
    ${toNodePort('service-nodeports')}
  }
  chain refusals {
    ${ip} daddr . meta l4proto . th dport vmap @refused-ips
    ${toNodePort('refused-nodeports')}
    ${ip} daddr @cluster-ips reject
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark and ${masqueradeBit} != 0 meta mark set meta mark xor ${masqueradeBit} masquerade fully-random
    ${ip} saddr . ${ip} daddr @hairpin masquerade fully-random
${egress}  }
  chain filter-prerouting {
    type filter hook prerouting priority dstnat - 10; policy accept;
    ct state new ${ip} daddr . meta l4proto . th dport vmap @firewalled-ips
  }
  chain filter-input {
    type filter hook input priority filter; policy accept;
    ct state new jump refusals
  }
  chain filter-forward {
    type filter hook forward priority filter; policy accept;
    ct state invalid drop
    ct state new jump refusals
  }
  chain filter-output {
    type filter hook output priority filter; policy accept;
    ct state new jump refusals
  }
}
`;
}

/**
 * One transaction from what stands to what should, for the services that changed: its size follows the change.
 * New chains come first (elements refer to them), removed ones last. Empty when nothing differs.
 * `stillUsed` tells whether a set's element without verdict belongs to another service too.
 */
export function transaction(family: IpFamily, changes: readonly { from: Fragment; to: Fragment }[], stillUsed: (id: string) => boolean = () => false): string {
  const table = `${nftFamily(family)} ${tableName}`;
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const declare: string[] = [];
  const fill: string[] = [];
  const removeElements: string[] = [];
  const addElements: string[] = [];
  const drop: string[] = [];
  for (const { from, to } of changes) {
    for (const [set, seconds] of to.affinitySets) {
      if (!from.affinitySets.has(set)) declare.push(`add set ${table} ${set} { type ${address}; flags dynamic,timeout; timeout ${seconds}s; }`);
    }
    for (const [chain, rules] of to.chains) {
      const old = from.chains.get(chain);
      if (old && old.join('\n') === rules.join('\n')) continue;
      declare.push(old ? `flush chain ${table} ${chain}` : `add chain ${table} ${chain}`);
      fill.push(...rules.map((rule) => `add rule ${table} ${chain} ${rule}`));
    }
    for (const [id, { set, key, verdict }] of from.elements) {
      const now = to.elements.get(id);
      if (!now ? !stillUsed(id) : now.verdict !== verdict) removeElements.push(`delete element ${table} ${set} { ${key} }`);
    }
    for (const [id, { set, key, verdict }] of to.elements) {
      const old = from.elements.get(id);
      if (!old || old.verdict !== verdict) addElements.push(`add element ${table} ${set} { ${key}${verdict ? ` : ${verdict}` : ''} }`);
    }
    // First all flushes, so that no chain is deleted while another one of them still jumps to it.
    const gone = [...from.chains.keys()].filter((chain) => !to.chains.has(chain));
    drop.push(...gone.map((chain) => `flush chain ${table} ${chain}`), ...gone.map((chain) => `delete chain ${table} ${chain}`));
    for (const set of from.affinitySets.keys()) if (!to.affinitySets.has(set)) drop.push(`delete set ${table} ${set}`);
  }
  const lines = [...declare, ...fill, ...removeElements, ...addElements, ...drop];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
