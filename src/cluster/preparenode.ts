/** What a node needs before its processes start: directories, and its container runtime's configuration. */
import { mkdirSync } from 'node:fs';
import { type ClusterConfig, writeAtomically } from './config.ts';
import { containerdConfig, containerdVersion, pickSnapshotter } from './containerd.ts';
import { clusterLayout, nodeLayout } from './layout.ts';
import { foundRuntimes } from './runtimes.ts';

export interface RuntimeOptions {
  /** Runtime handler of pods without a RuntimeClass; runc when absent. */
  defaultRuntime?: string | undefined;
  /** As a KubeletConfiguration names it; cgroupfs when absent. */
  cgroupDriver?: unknown;
}

/** May be called for a node that runs: its runtime reads the configuration when it starts the next time. */
export async function prepareNode(
  cluster: Pick<ClusterConfig, 'dataDir' | 'id'>,
  name: string,
  { defaultRuntime, cgroupDriver }: RuntimeOptions,
): Promise<void> {
  const node = nodeLayout(cluster, name);
  const directories = [node.pki, node.kubelet, node.podLogs, node.containerdRoot, node.containerdState, node.cniConf, node.cniState];
  for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o711 });
  const [version, snapshotter] = await Promise.all([containerdVersion(), pickSnapshotter(node.containerdRoot)]);
  const options = {
    root: node.containerdRoot,
    state: node.containerdState,
    socket: node.containerdSocket,
    cniConfDir: node.cniConf,
    registryConfigPath: clusterLayout(cluster).registries,
    snapshotter,
    runtimes: foundRuntimes(),
    ...(defaultRuntime ? { defaultRuntime } : {}),
    cgroupDriver: cgroupDriver === 'systemd' ? ('systemd' as const) : ('cgroupfs' as const),
  };
  writeAtomically(node.containerdConfig, containerdConfig(options, version));
}
