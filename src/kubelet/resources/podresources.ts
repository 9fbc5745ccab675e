/** Tells monitoring agents of this node which pod has which devices, CPUs and memory. Source of the rule: KEP-606, KEP-2403. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { isRestartableInit } from '../containers/resources.ts';
import type { ContainerDevices, DeviceManager } from '../devices/manager.ts';
import type { HeldClaim, PodClaims } from '../dra/claims.ts';
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
  claims: Pick<PodClaims, 'heldBy'>;
  /** Pods that hold resources of the node. */
  active(): Pod[];
  find(namespace: string, name: string): Pod | undefined;
}

const topologyOf = (nodes: readonly number[]): object => (nodes.length ? { topology: { nodes: nodes.map((ID) => ({ ID })) } } : {});
const deviceOf = ({ resource, ids, nodes }: ContainerDevices): object => ({ resourceName: resource, deviceIds: ids, ...topologyOf(nodes) });
const memoryOf = ({ type, size, nodes }: Block): object => ({ memoryType: type, size, ...topologyOf(nodes) });

const claimOf = ({ name: claimName, namespace: claimNamespace, drivers }: HeldClaim): object => ({
  claimName,
  claimNamespace,
  claimResources: Object.entries(drivers).flatMap(([driverName, devices]) =>
    devices.map(({ poolName, deviceName, shareId, cdiDeviceIds }) => ({
      cdiDevices: cdiDeviceIds.map((name) => ({ name })),
      driverName,
      poolName,
      deviceName,
      ...(shareId ? { shareId } : {}),
    })),
  ),
});

/** Serves until the function is called that it returns. */
export async function servePodResources({ socket, devices, cpus, memory, claims, active, find }: PodResourcesInput): Promise<() => void> {
  /** None while they can't be told, as upstream: the rest is worth as much without them. */
  const claimsOf = (pod: Pod, container: Container): HeldClaim[] => {
    try {
      return claims.heldBy(pod, container);
    } catch {
      return [];
    }
  };
  const containerOf = (pod: Pod, container: Container, uid = pod.metadata.uid ?? '', { name } = container): object => ({
    name,
    devices: devices.devicesOf(uid, name).map(deviceOf),
    cpuIds: sorted(cpus?.exclusive(uid, name) ?? []),
    memory: (memory?.blocks(uid, name) ?? []).map(memoryOf),
    dynamicResources: claimsOf(pod, container).map(claimOf),
  });
  const podOf = (pod: Pod): object => ({
    name: pod.metadata.name,
    namespace: pod.metadata.namespace,
    containers: [...(pod.spec.initContainers ?? []).filter(isRestartableInit), ...pod.spec.containers].map((container) => containerOf(pod, container)),
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
