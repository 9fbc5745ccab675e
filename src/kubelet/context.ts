/** What the parts of one kubelet share. Made once in `kubelet.ts`; no module keeps state of its own outside it. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Pod } from '../api/core/v1/types.gen.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { KubeletConfiguration } from './config/configuration.ts';
import type { ServiceEnvironment } from './containers/serviceenv.ts';
import type { CriClient } from './cri/client.ts';
import type { CsiDrivers } from './csi/drivers.ts';
import type { PodClaims } from './dra/claims.ts';
import type { NodeResources } from './node/capacity.ts';
import type { ReferencedObjects } from './objects/cache.ts';
import type { KubeletOptions } from './options.ts';
import type { Allocations } from './resources/allocations.ts';
import type { Meters } from './server/meters.ts';

export interface KubeletContext {
  options: KubeletOptions;
  config: KubeletConfiguration;
  client: Client;
  events: EventRecorder;
  log: Logger;
  cri: CriClient;
  meters: Meters;
  objects: ReferencedObjects;
  services: ServiceEnvironment;
  /** Storage drivers that run on this node. */
  csi: CsiDrivers;
  /** What containers have for themselves: devices, CPUs, memory. */
  allocations: Allocations;
  /** What pods have of drivers of dynamic resources. */
  claims: PodClaims;
  /** Capacity and allocatable of this machine. */
  resources: NodeResources;
  paths: KubeletPaths;
  now(): Date;
  signal: AbortSignal;
  /** Version and abilities of the runtime, as it told at start. */
  runtime: { name: string; version: string; handlers: RuntimeHandlerInfo[]; supplementalGroupsPolicy: boolean };
}

export interface RuntimeHandlerInfo {
  name: string;
  recursiveReadOnlyMounts: boolean;
  userNamespaces: boolean;
}

export interface KubeletPaths {
  root: string;
  pods: string;
  pod(uid: string): string;
  volume(uid: string, plugin: string, name: string): string;
  container(uid: string, container: string): string;
  podLogs(pod: Pick<Pod, 'metadata'>): string;
}

/** The directory layout that upstream's kubelet has, so that tools that know it find their way. */
export function kubeletPaths(root: string, podLogsDir: string): KubeletPaths {
  const pods = join(root, 'pods');
  const pod = (uid: string): string => join(pods, uid);
  return {
    root,
    pods,
    pod,
    volume: (uid, plugin, name) => join(pod(uid), 'volumes', `kubernetes.io~${plugin}`, name),
    container: (uid, container) => join(pod(uid), 'containers', container),
    podLogs: ({ metadata }) => join(podLogsDir, `${metadata.namespace}_${metadata.name}_${metadata.uid}`),
  };
}

/** `name_namespace(uid)`, as upstream's messages name a pod. */
export const describePod = ({ metadata }: Pick<Pod, 'metadata'>): string => `${metadata.name}_${metadata.namespace}(${metadata.uid ?? ''})`;
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** The words of a failed CRI call without gRPC's prefix, as upstream puts them into events and statuses. */
export const runtimeMessageOf = (error: unknown): string => (error as { details?: string })?.details ?? messageOf(error);
