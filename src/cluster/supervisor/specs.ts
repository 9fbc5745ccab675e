/** The processes of a cluster on one machine: what each is called, how it starts, where it logs. */
import { join } from 'node:path';
import type { ClusterConfig } from '../config.ts';
import { clusterLayout, nodeLayout } from '../layout.ts';
import type { ChildSpec } from './child.ts';

/** The program and first arguments that run knarr itself. */
export interface Self {
  program: string;
  args: readonly string[];
}

function filesOf(config: ClusterConfig, name: string): Pick<ChildSpec, 'name' | 'logFile' | 'pidFile'> {
  const layout = clusterLayout(config);
  const file = name.replaceAll('/', '-');
  return { name, logFile: join(layout.logs, `${file}.log`), pidFile: join(layout.run, `${file}.pid`) };
}

const inNode = (config: ClusterConfig, node: string): string => `--net=/run/netns/${nodeLayout(config, node).networkNamespace}`;

export const serverSpec = (config: ClusterConfig, self: Self): ChildSpec => ({
  ...filesOf(config, 'server'),
  program: self.program,
  args: [...self.args, 'server', '--data-dir', config.dataDir],
});

export const containerdSpec = (config: ClusterConfig, node: string): ChildSpec => ({
  ...filesOf(config, `${node}/containerd`),
  program: 'nsenter',
  args: [inNode(config, node), 'containerd', '--config', nodeLayout(config, node).containerdConfig, '--log-level', 'warn'],
});

/** Of a machine that joined: in its own network, and looked after by its agent. */
export function joinedContainerdSpec(cluster: Pick<ClusterConfig, 'dataDir' | 'id'>, node: string): ChildSpec {
  const { root, containerdState, containerdConfig } = nodeLayout(cluster, node);
  return {
    name: 'containerd',
    program: 'containerd',
    args: ['--config', containerdConfig, '--log-level', 'warn'],
    logFile: join(root, 'containerd.log'),
    pidFile: join(containerdState, '../containerd.pid'),
  };
}

export const agentName = (node: string): string => `${node}/agent`;

/**
 * A node's memory is for its pods: a hundred that start at once would leave the agent at twice its size, of which V8's nursery
 * is 64 MB and what malloc keeps for each thread the next. The script `knarr` says the same for agents that are started by hand.
 */
const agentFlags = ['--optimize-for-size', '--max-semi-space-size=2'];
const agentEnvironment = { MALLOC_ARENA_MAX: '2' };

export const agentSpec = (config: ClusterConfig, node: string, self: Self): ChildSpec => ({
  ...filesOf(config, agentName(node)),
  program: 'nsenter',
  args: [inNode(config, node), self.program, ...agentFlags, ...self.args, 'agent', '--data-dir', config.dataDir, '--node', node],
  env: agentEnvironment,
});

export const simulationSpec = (config: ClusterConfig, self: Self): ChildSpec => ({
  ...filesOf(config, 'fake-nodes'),
  program: self.program,
  args: [...self.args, 'fake-nodes', '--data-dir', config.dataDir],
});

/** All of them, for a `down` that finds no supervisor. */
export const allSpecs = (config: ClusterConfig, self: Self): ChildSpec[] => [
  serverSpec(config, self),
  ...(config.simulated ? [simulationSpec(config, self)] : []),
  ...(config.controlPlaneOnly ? [] : config.nodes.flatMap(({ name }) => [containerdSpec(config, name), agentSpec(config, name, self)])),
];
