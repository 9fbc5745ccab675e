/** How a node proves who it is, where the cluster's own PKI is at hand: nodes that `up` makes on the machine of the control plane. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../config.ts';
import type { NodeLayout } from '../layout.ts';
import { issueNodeClient, issueNodeServing, isUsable, type KeyPair, type Pki } from '../pki/pki.ts';

export interface NodeCredentials {
  client: KeyPair;
  serving: KeyPair;
}

/** Kept as long as they are good for a while, else issued anew. */
export function nodeCredentials(pki: Pki, layout: NodeLayout, node: string, ips: readonly string[], now = new Date()): NodeCredentials {
  mkdirSync(layout.pki, { recursive: true, mode: 0o700 });
  const keep = (name: string, hosts: readonly string[], issue: () => KeyPair): KeyPair => {
    const found = readPair(layout.pki, name);
    if (found && isUsable(found, pki.ca, now, hosts)) return found;
    const pair = issue();
    writePair(layout.pki, name, pair);
    return pair;
  };
  return {
    client: keep('kubelet-client', [], () => issueNodeClient(pki, node, now)),
    serving: keep('kubelet', [node, ...ips], () => issueNodeServing(pki, node, ips, now)),
  };
}

export function readPair(directory: string, name: string): KeyPair | undefined {
  const file = (suffix: string): string => join(directory, `${name}.${suffix}`);
  if (!existsSync(file('crt')) || !existsSync(file('key'))) return undefined;
  return { certificate: readFileSync(file('crt'), 'utf8'), key: readFileSync(file('key'), 'utf8') };
}

export function writePair(directory: string, name: string, pair: KeyPair): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeAtomically(join(directory, `${name}.key`), pair.key);
  writeAtomically(join(directory, `${name}.crt`), pair.certificate, 0o644);
}
