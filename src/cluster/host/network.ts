/**
 * The network of a cluster on one machine: a private bridge on the host, a network namespace with a veth for each node.
 * Everything is made idempotently (`ensure…`) and taken back by `removeNetwork`; existing interfaces and rules are not touched.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterConfig, NodeConfig } from '../config.ts';
import { writeAtomically } from '../config.ts';
import { clusterLayout, nodeLayout } from '../layout.ts';
import { hostRuleset, tableName } from './ruleset.ts';
import { run, tryRun } from './run.ts';

const bridgeName = (config: ClusterConfig): string => `kn${config.id}`;
const vethName = (config: ClusterConfig, index: number): string => `kn${config.id}.${index}`;

/** `10.200.3.0/24` → `10.200.3.1`. */
export const gatewayOf = (subnet: string): string => subnet.replace(/0\/24$/, '1');

/** `fd00:10:200:3::/64` → `fd00:10:200:3::1`. */
export const gatewayOf6 = (subnet: string): string => subnet.replace(/\/64$/, '1');

export interface Subnets {
  bridgeSubnet: string;
  podCidr: string;
  /** Of the cluster's bridge and pods where it has both families. */
  bridgeSubnet6: string;
  podCidr6: string;
}

/** An unused `10.200.<n>.0/24` and `10.<m>.0.0/16` for pods, going by the routes of the host; those of IPv6 go by the same number. */
export async function chooseSubnets(): Promise<Subnets> {
  const routes = (await run('ip', ['-4', 'route', 'show', 'table', 'all'])) + (await run('ip', ['-4', '-o', 'addr']));
  const free = (prefix: string): boolean => !routes.includes(` ${prefix}`) && !routes.startsWith(prefix) && !routes.includes(`\n${prefix}`);
  for (let n = 0; n < 11; n++) {
    if (!free(`10.200.${n}.`) || !free(`10.${244 + n}.`)) continue;
    const bridgeSubnet6 = `fd00:10:200:${n}::/64`;
    return { bridgeSubnet: `10.200.${n}.0/24`, podCidr: `10.${244 + n}.0.0/16`, bridgeSubnet6, podCidr6: `fd00:10:244:${n.toString(16)}00::/56` };
  }
  throw new Error('found no free network among 10.200.0.0/24 … 10.200.10.0/24 for the cluster');
}

/** Bridge, host table and one namespace per node. */
export async function ensureNetwork(config: ClusterConfig): Promise<void> {
  const subnet = config.bridgeSubnet as string;
  const bridge = bridgeName(config);
  if (!(await tryRun('ip', ['link', 'show', bridge]))) await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
  await run('ip', ['addr', 'replace', `${gatewayOf(subnet)}/24`, 'dev', bridge]);
  if (config.bridgeSubnet6) await run('ip', ['addr', 'replace', `${gatewayOf6(config.bridgeSubnet6)}/64`, 'dev', bridge, 'nodad']);
  await run('ip', ['link', 'set', bridge, 'up']);
  if (!config.isolated) {
    switchOn(config, '/proc/sys/net/ipv4/ip_forward', '1');
    if (config.bridgeSubnet6) switchOn(config, '/proc/sys/net/ipv6/conf/all/forwarding', '1');
    // Loopback clients of published node ports leave through the bridge; the setting is the bridge's own and goes with it.
    writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, '1');
  }
  await run('nft', ['-f', '-'], { input: hostRuleset(config, bridge) });
  await Promise.all(config.nodes.map((node, index) => ensureNode(config, node, index)));
}

async function ensureNode(config: ClusterConfig, node: NodeConfig, index: number): Promise<void> {
  const { networkNamespace } = nodeLayout(config, node.name);
  const veth = vethName(config, index);
  if (!existsSync(`/run/netns/${networkNamespace}`)) await run('ip', ['netns', 'add', networkNamespace]);
  if (!(await tryRun('ip', ['link', 'show', veth]))) {
    await run('ip', ['link', 'add', veth, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', networkNamespace]);
  }
  await run('ip', ['link', 'set', veth, 'master', bridgeName(config), 'up']);
  const batch = [
    `addr replace ${node.ip}/24 dev eth0`,
    'link set lo up',
    'link set eth0 up',
    `route replace default via ${gatewayOf(config.bridgeSubnet as string)}`,
    ...(node.ip6 ? [`addr replace ${node.ip6}/64 dev eth0 nodad`, `route replace default via ${gatewayOf6(config.bridgeSubnet6 as string)}`] : []),
  ];
  await run('ip', ['-n', networkNamespace, '-batch', '-'], { input: `${batch.join('\n')}\n` });
  const forwarding = ['ipv4/ip_forward', ...(node.ip6 ? ['ipv6/conf/all/forwarding'] : [])];
  await inNamespace(networkNamespace, 'sh', ['-c', forwarding.map((setting) => `echo 1 >/proc/sys/net/${setting}`).join(' && ')]);
}

/** Runs a program with the network of a namespace and the file system, `/sys` included, of the host. */
const inNamespace = (namespace: string, program: string, args: readonly string[]): Promise<string> =>
  run('nsenter', [`--net=/run/netns/${namespace}`, program, ...args]);

/** Takes back what `ensureNetwork` made and switched on. */
export async function removeNetwork(config: ClusterConfig): Promise<void> {
  for (const [index, node] of config.nodes.entries()) {
    await tryRun('ip', ['link', 'del', vethName(config, index)]);
    await tryRun('ip', ['netns', 'del', nodeLayout(config, node.name).networkNamespace]);
  }
  await tryRun('ip', ['link', 'del', bridgeName(config)]);
  await tryRun('nft', ['delete', 'table', 'inet', tableName(config)]);
  switchBack(config);
}

const switchedOnFile = (config: ClusterConfig): string => join(clusterLayout(config).run, 'switched-on.json');

/** Sets a kernel setting and remembers the value before, once. */
function switchOn(config: ClusterConfig, file: string, value: string): void {
  const before = readFileSync(file, 'utf8').trim();
  if (before === value) return;
  const record = readSwitchedOn(config);
  record[file] ??= before;
  writeAtomically(switchedOnFile(config), JSON.stringify(record));
  writeFileSync(file, value);
}

function switchBack(config: ClusterConfig): void {
  for (const [file, before] of Object.entries(readSwitchedOn(config))) writeFileSync(file, before);
}

function readSwitchedOn(config: ClusterConfig): Record<string, string> {
  const file = switchedOnFile(config);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
}
