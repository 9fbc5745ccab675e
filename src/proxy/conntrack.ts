/**
 * UDP has no end of a connection: the kernel goes on sending a client's packets to an endpoint that is gone until its entry
 * is deleted, and goes on dropping those that were seen before the first endpoint came. Entries are deleted by the `conntrack` program.
 */
import { spawn } from 'node:child_process';
import { familyOf } from './endpoints.ts';
import type { Fragment, UdpEntry } from './fragment.ts';

/** `conntrack` looks at IPv4 unless told. */
const deleteFor = (address: string): string[] => ['-D', ...(familyOf(address) === 'IPv6' ? ['-f', 'ipv6'] : []), '-p', 'udp'];

const same = (one: UdpEntry, other: UdpEntry): boolean => one.address === other.address && one.port === other.port && one.onNodes === other.onNodes;

/** Arguments of the `conntrack` calls that a change of a service needs. */
export function staleEntries(from: Fragment, to: Fragment): string[][] {
  const calls: string[][] = [];
  for (const before of from.udp) {
    const after = to.udp.find((one) => same(one, before))?.endpoints ?? [];
    const selector = before.onNodes ? ['--dport', String(before.port)] : ['--orig-dst', before.address];
    for (const { ip, port } of before.endpoints) {
      if (after.some((one) => one.ip === ip && one.port === port)) continue;
      // Another port of the same pod may be another service's endpoint, or the new one of this service.
      calls.push([...deleteFor(before.address), ...selector, '--dst-nat', ip, '--reply-port-src', String(port)]);
    }
  }
  for (const after of to.udp) {
    const before = from.udp.find((one) => same(one, after));
    if (after.endpoints.length === 0 || (before?.endpoints.length ?? 0) > 0) continue;
    calls.push([...deleteFor(after.address), ...(after.onNodes ? [] : ['--orig-dst', after.address]), '--dport', String(after.port)]);
  }
  return calls;
}

/** `conntrack -D` answers with exit code 1 when no entry matched: that is no failure. */
export function deleteEntries(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('conntrack', args, { stdio: 'ignore' });
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}
