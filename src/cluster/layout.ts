/** Where everything of a cluster stands: data that survives a reboot under the data directory, sockets and state under `/run`. */
import { join } from 'node:path';
import type { ClusterConfig } from './config.ts';

export interface ClusterLayout {
  pki: string;
  store: string;
  logs: string;
  /** Of the default storage class. */
  volumes: string;
  /** Where users say how registries are reached: one folder per registry with a `hosts.toml`, as containerd has it. */
  registries: string;
  /** Pods that every node of this machine runs whatever the API says. */
  manifests: string;
  adminKubeconfig: string;
  /** Sockets, pid files, what was switched on: gone after a reboot, as it should be. */
  run: string;
  supervisorSocket: string;
}

export interface NodeLayout {
  root: string;
  pki: string;
  kubeconfig: string;
  kubelet: string;
  podLogs: string;
  containerdRoot: string;
  containerdState: string;
  containerdSocket: string;
  containerdConfig: string;
  cniConf: string;
  cniState: string;
  networkNamespace: string;
  cgroupParent: string;
}

/** `/run` needs root; without it a directory beside the data serves. */
export function clusterLayout(config: Pick<ClusterConfig, 'dataDir' | 'id'>): ClusterLayout {
  const run = process.getuid?.() === 0 ? join('/run/knarr', config.id) : join(config.dataDir, 'run');
  return {
    pki: join(config.dataDir, 'pki'),
    store: join(config.dataDir, 'store'),
    logs: join(config.dataDir, 'logs'),
    volumes: join(config.dataDir, 'volumes'),
    registries: join(config.dataDir, 'certs.d'),
    manifests: join(config.dataDir, 'manifests'),
    adminKubeconfig: join(config.dataDir, 'admin.kubeconfig'),
    run,
    supervisorSocket: join(run, 'supervisor.sock'),
  };
}

/** The control group that all nodes of a cluster on this machine have theirs in. */
export const clusterCgroup = ({ id }: Pick<ClusterConfig, 'id'>): string => `/knarr-${id}`;

export function nodeLayout(config: Pick<ClusterConfig, 'dataDir' | 'id'>, node: string): NodeLayout {
  const root = join(config.dataDir, 'nodes', node);
  const run = join(clusterLayout(config).run, node);
  return {
    root,
    pki: join(root, 'pki'),
    kubeconfig: join(root, 'kubelet.kubeconfig'),
    kubelet: join(root, 'kubelet'),
    podLogs: join(root, 'pod-logs'),
    containerdRoot: join(root, 'containerd'),
    containerdState: join(run, 'containerd'),
    containerdSocket: join(run, 'containerd.sock'),
    containerdConfig: join(root, 'containerd.toml'),
    cniConf: join(root, 'cni'),
    cniState: join(run, 'cni'),
    networkNamespace: `knarr-${config.id}-${node}`,
    cgroupParent: `${clusterCgroup(config)}/${node}`,
  };
}
