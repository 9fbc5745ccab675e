/** Decisions as lines of text: `<seed>.<pod> <feasible nodes, a bit each, hexadecimal> <victims> <digest of what is said>`. */
import { createHash } from 'node:crypto';
import type { GeneratedCluster } from './generate.ts';

export interface Recorded {
  /** Names of the nodes that passed all filters. */
  feasible: string[];
  /** By node: pods that would have to go, the most important first. */
  victims: Record<string, { pods: string[]; violations: number }>;
  message: string;
}

/** What the extender says of every node. */
export const refusal = 'node(s) passed';

/** Nodes are looked at side by side: which of them fails first, and over what, is a matter of chance. */
const sayable = (message: string): string => message.replace(/(filter plugin: claim \S+), .*$/, '$1');

const digest = (text: string): string => createHash('sha256').update(sayable(text)).digest('hex').slice(0, 8);

export function formatRecord(
  seed: number,
  pod: number,
  { feasible, victims, message }: Recorded,
  { nodes, placed }: GeneratedCluster,
  verbose = false,
): string {
  const at = (name: string): number => nodes.findIndex(({ metadata }) => metadata.name === name);
  const bits = feasible.reduce((sum, name) => sum | (1 << at(name)), 0).toString(16);
  const gone = Object.entries(victims)
    .sort(([a], [b]) => at(a) - at(b))
    .map(([node, one]) => {
      const indexes = one.pods.map((name) => placed.findIndex(({ metadata }) => metadata.name === name));
      return `${at(node)}:${indexes.join('+')}${one.violations > 0 ? `!${one.violations}` : ''}`;
    });
  return `${seed}.${pod} ${bits} ${gone.join(',') || '-'} ${verbose ? sayable(message) : digest(message)}`;
}
