/** NodePorts: two pods of a node can't have the same host port. */
import { type FilterPlugin, unschedulable } from '../framework/plugin.ts';
import type { NodeInfo } from '../state/nodeinfo.ts';
import type { HostPort } from '../state/podinfo.ts';

const name = 'NodePorts';
const rejection = unschedulable(name, "node(s) didn't have free ports for the requested pod ports");
const anyAddress = '0.0.0.0';

function isTaken(node: NodeInfo, { ip, protocol, port }: HostPort): boolean {
  const used = node.usedPorts.get(`${protocol}/${port}`);
  return used !== undefined && (ip === anyAddress || used.some((other) => other === anyAddress || other === ip));
}

export const nodePorts: FilterPlugin = {
  name,
  prepare({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return { filter: (node) => (hostPorts.some((port) => isTaken(node, port)) ? rejection : undefined) };
  },
  wakes: [{ on: 'pod/delete' }, { on: 'node/add' }],
};
