/**
 * UDP has no end of a connection: the kernel goes on sending a client's packets to an endpoint that is gone until its entry
 * is deleted, and goes on dropping those that were seen before the first endpoint came. Entries are deleted by the `conntrack` program.
 */
import { spawn } from 'node:child_process';
import type { Fragment } from './fragment.ts';

/** Arguments of the `conntrack` calls that a change of a service needs. */
export function staleEntries(from: Fragment, to: Fragment): string[][] {
  const calls: string[][] = [];
  for (const before of from.udp) {
    const after = to.udp.find((one) => one.address === before.address && one.port === before.port);
    for (const endpoint of before.endpoints) {
      if (!after?.endpoints.includes(endpoint)) calls.push(['-D', '-p', 'udp', '--orig-dst', before.address, '--dst-nat', endpoint]);
      if (!after?.endpoints.includes(endpoint) && before.nodePort) calls.push(['-D', '-p', 'udp', '--dport', String(before.nodePort), '--dst-nat', endpoint]);
    }
  }
  for (const after of to.udp) {
    const before = from.udp.find((one) => one.address === after.address && one.port === after.port);
    if (after.endpoints.length === 0 || (before?.endpoints.length ?? 0) > 0) continue;
    calls.push(['-D', '-p', 'udp', '--orig-dst', after.address, '--dport', String(after.port)]);
    if (after.nodePort) calls.push(['-D', '-p', 'udp', '--dport', String(after.nodePort)]);
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
