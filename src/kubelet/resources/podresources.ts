/** Tells monitoring agents of this node which pod has which devices, CPUs and memory. Source of the rule: KEP-606, KEP-2403. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import type { ContainerDevices, DeviceManager } from '../devices/manager.ts';
import { definitionOf, listenAt, unaryHandlers } from '../grpc.ts';
import type { CpuManager } from './cpus.ts';
import { sorted } from './cpuset.ts';
import type { Block, MemoryManager } from './memory.ts';
import { messages } from './messages.ts';

export interface PodResourcesInput {
  socket: string;
  devices: DeviceManager;
  cpus: CpuManager | undefined;
  memory: MemoryManager | undefined;
  /** Pods that hold resources of the node. */
  active(): Pod[];
  find(namespace: string, name: string): Pod | undefined;
}

const topologyOf = (nodes: readonly number[]): object => (nodes.length ? { topology: { nodes: nodes.map((ID) => ({ ID })) } } : {});
const deviceOf = ({ resource, ids, nodes }: ContainerDevices): object => ({ resourceName: resource, deviceIds: ids, ...topologyOf(nodes) });
const memoryOf = ({ type, size, nodes }: Block): object => ({ memoryType: type, size, ...topologyOf(nodes) });

/** Serves until the function is called that it returns. */
export async function servePodResources({ socket, devices, cpus, memory, active, find }: PodResourcesInput): Promise<() => void> {
  const containerOf = (uid: string, { name }: Container): object => ({
    name,
    devices: devices.devicesOf(uid, name).map(deviceOf),
    cpuIds: sorted(cpus?.exclusive(uid, name) ?? []),
    memory: (memory?.blocks(uid, name) ?? []).map(memoryOf),
  });
  const podOf = ({ metadata, spec }: Pod): object => ({
    name: metadata.name,
    namespace: metadata.namespace,
    containers: [...(spec.initContainers ?? []).filter(isRestartableInit), ...spec.containers].map((container) => containerOf(metadata.uid ?? '', container)),
  });
  const server = new grpc.Server();
  server.addService(
    definitionOf(messages, 'v1.PodResourcesLister'),
    unaryHandlers({
      List: () => ({ podResources: active().map(podOf) }),
      Get: ({ podName, podNamespace }: { podName: string; podNamespace: string }) => {
        const pod = find(podNamespace, podName);
        if (!pod) throw new Error(`pod ${podName} in namespace ${podNamespace} not found`);
        return { podResources: podOf(pod) };
      },
      GetAllocatableResources: () => ({
        devices: devices.healthy().map(deviceOf),
        cpuIds: sorted(cpus?.allocatable() ?? []),
        memory: (memory?.allocatable() ?? []).map(memoryOf),
      }),
    }),
  );
  await mkdir(dirname(socket), { recursive: true, mode: 0o750 });
  await rm(socket, { force: true });
  await listenAt(server, socket);
  await chmod(socket, 0o600);
  return () => server.forceShutdown();
}
