/** The end of a cluster's processes, and of everything that they left on the host. Data stays. */
import type { ClusterConfig } from '../config.ts';
import { flagReader } from '../controlplane/flagvalues.ts';
import { removeCgroup, unmountBelow } from '../host/cleanup.ts';
import { removeNetwork } from '../host/network.ts';
import { endShims, shimsOf } from '../host/shims.ts';
import { clusterCgroup, clusterLayout, nodeLayout } from '../layout.ts';
import type { SupervisedChild } from './child.ts';
import { stopPods } from './stoppods.ts';

/** What a process has to end by itself, in milliseconds. */
const graceMs = 10_000;

/** A server that was told to serve on for a while after the signal has that time besides. */
export const serverGraceMs = ({ apiServer = {} }: Pick<ClusterConfig, 'apiServer'>): number =>
  graceMs + (flagReader(apiServer).duration('shutdown-delay-duration') ?? 0);

/** Agents first, so that nothing is started anew; then the pods, the runtime, the server, and mounts, cgroups, interfaces and rules. */
export async function takeBack(config: ClusterConfig, children: readonly SupervisedChild[], log: (message: string) => void): Promise<void> {
  const named = (suffix: string): SupervisedChild[] => children.filter((child) => child.spec.name.endsWith(suffix));
  await Promise.all([...named('/agent'), ...named('fake-nodes')].map((child) => child.stop()));
  if (!config.controlPlaneOnly) {
    await Promise.all(
      config.nodes.map((node) => stopPods(nodeLayout(config, node.name).containerdSocket).catch((error: Error) => log(`${node.name}: ${error.message}`))),
    );
  }
  await Promise.all([...named('/containerd').map((child) => child.stop(graceMs)), ...named('server').map((child) => child.stop(serverGraceMs(config)))]);
  if (config.controlPlaneOnly) return;
  // Shims of pods that containerd did not know any more.
  for (const node of config.nodes) endShims(shimsOf(nodeLayout(config, node.name).containerdSocket));
  await removeCgroup(clusterCgroup(config));
  await Promise.all(config.nodes.map((node) => unmountBelow(nodeLayout(config, node.name).root)));
  await unmountBelow(clusterLayout(config).run);
  await removeNetwork(config);
}
