/** The resolv.conf that nodes and their pods use: the host's, without resolvers that a network namespace can't reach. */
import { existsSync, readFileSync } from 'node:fs';
import { nameserversOf } from '../../dns/forward.ts';

const hostFile = '/etc/resolv.conf';
const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

export const readHostResolvConf = (): string => (existsSync(hostFile) ? readFileSync(hostFile, 'utf8') : '');

/** Resolvers of the host that a node in a namespace of its own can't ask. */
export const loopbackResolvers = (text: string): string[] => nameserversOf(text).filter(isLoopback);

/** With `forwarder` in the place of resolvers on loopback; without any resolver where `isolated`. */
export function nodeResolvConf(text: string, { forwarder, isolated }: { forwarder: string; isolated: boolean }): string {
  const others = text.split('\n').filter((line) => line.trim() !== '' && !/^\s*nameserver\s/.test(line));
  const reachable = nameserversOf(text).filter((address) => !isLoopback(address));
  const servers = isolated ? [] : reachable.length > 0 ? reachable : [forwarder];
  return `${[...servers.map((address) => `nameserver ${address}`), ...others].join('\n')}\n`;
}
