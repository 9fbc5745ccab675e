/**
 * Devices for containers: plugins tell which there are, and say what is to be done to a container that gets one. Source of
 * the rule: device plugin API v1beta1, KEP-3573.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isExtendedResource } from '../../api/core/v1/resourcenames.ts';
import type { Container, ContainerStatus, Pod } from '../../api/core/v1/types.gen.ts';
import { value } from '../../apimachinery/quantity.ts';
import { messageOf } from '../context.ts';
import { without } from '../resources/cpuset.ts';
import { type HintProvider, podTotal, reusable } from '../resources/provider.ts';
import type { Hint } from '../resources/topology.ts';
import { createAssignments } from './assigned.ts';
import { chooseDevices, deviceHints, hasTopology } from './choose.ts';
import { createInventory, type Inventory, isHealthy, nodesOf } from './inventory.ts';
import type { Allocation, Device } from './messages.ts';
import { connectPlugin } from './plugin.ts';

export interface ContainerDevices {
  resource: string;
  ids: string[];
  nodes: number[];
}

export interface DeviceManager extends HintProvider {
  /** Resolves when the plugin answers and its devices are being watched. Throws what the plugin is to be told. */
  register(resource: string, socket: string): Promise<void>;
  /** The plugin at that socket is there. */
  connected(socket: string): boolean;
  /** The plugin at that socket says farewell. */
  unregister(socket: string): void;
  capacity: Inventory['capacity'];
  /** How many of each resource pods have: no less counts as allocatable when pods are admitted. */
  inUse(): Record<string, number>;
  /** Before each start of a container: what it gets with its devices. Throws what the container waits with. */
  containerOptions(pod: Pod, container: Container): Promise<Allocation[]>;
  devicesOf(uid: string, container: string): ContainerDevices[];
  /** All that are well. */
  healthy(): ContainerDevices[];
  /** For a container's status. Source of the rule: KEP-4680. */
  health(uid: string, container: string): ContainerStatus['allocatedResourcesStatus'];
  stop(): void;
}

export interface DeviceManagerInput {
  directory: string;
  /** NUMA nodes of the machine. */
  nodes: readonly number[];
  log: Logger;
  now(): number;
  /** The devices are others now: for the node's status; `pods` have one of which the health has changed. */
  changed(pods: string[]): void;
  /** Seconds that a plugin took to allocate. */
  allocated?(resource: string, seconds: number): void;
}

export const deviceCheckpoint = 'kubelet_internal_checkpoint';

/** By resource, those that plugins care for. */
const wants = ({ resources }: Container): [string, number][] =>
  Object.entries(resources?.limits ?? {}).flatMap(([name, amount]) => (isExtendedResource(name) ? [[name, value(amount)] as [string, number]] : []));

/** Extended resources that are claims for devices of DRA drivers. */
const isClaimed = (pod: Pod, container: string, resource: string): boolean =>
  (pod.status?.extendedResourceClaimStatus?.requestMappings ?? []).some((one) => one.containerName === container && one.resourceName === resource);

export function createDeviceManager({ directory, nodes, log, now, changed, allocated }: DeviceManagerInput): DeviceManager {
  const inventory = createInventory(now);
  const assignments = createAssignments(join(directory, deviceCheckpoint), () => inventory.names(), log);
  for (const resource of assignments.known) inventory.expect(resource);
  const closers = new Map<string, () => void>();

  const isManaged = (resource: string): boolean => inventory.get(resource) !== undefined || assignments.taken(resource).size > 0;
  const available = (resource: string): Set<string> => without(inventory.get(resource)?.healthy ?? new Set<string>(), assignments.taken(resource));
  const devicesIn = (resource: string): Map<string, Device> => inventory.get(resource)?.devices ?? new Map();
  const uidOf = ({ metadata }: Pod): string => metadata.uid ?? '';
  const reuse = (pod: Pod, container: Container, resource: string): Set<string> =>
    reusable(pod, container, (name) => new Set(assignments.find(uidOf(pod), name, resource)?.ids ?? []));

  async function register(resource: string, socket: string): Promise<void> {
    const plugin = await connectPlugin(socket);
    try {
      const options = await plugin.options().catch((error: unknown) => {
        throw new Error(`failed to get device plugin options: ${messageOf(error)}`);
      });
      closers.get(socket)?.();
      inventory.connected(resource, plugin, options);
    } catch (error) {
      plugin.close();
      throw error;
    }
    log.info({ resource }, 'a device plugin has registered');
    const end = (error?: unknown): void => {
      plugin.close();
      if (closers.get(socket) === end) closers.delete(socket);
      const current = inventory.get(resource)?.plugin === plugin;
      inventory.disconnected(resource, plugin);
      if (!current) return;
      log.info({ resource, ...(error ? { err: messageOf(error) } : {}) }, 'a device plugin has gone');
      changed(assignments.holders([...devicesIn(resource).keys()], resource));
    };
    closers.set(socket, end);
    let fresh = true;
    plugin.watch((devices) => {
      if (inventory.get(resource)?.plugin !== plugin) return;
      const before = devicesIn(resource);
      const others = inventory.update(resource, devices);
      if (others.length === 0 && before.size === devices.length && !fresh) return;
      fresh = false;
      assignments.save();
      changed(assignments.holders(others, resource));
    }, end);
  }

  async function allocateOne(pod: Pod, container: Container, resource: string, count: number, hint: Hint): Promise<void> {
    const uid = uidOf(pod);
    const before = assignments.find(uid, container.name, resource);
    if (before && before.ids.length !== count)
      throw new Error(`pod "${uid}" container "${container.name}" changed request for resource "${resource}" from ${before.ids.length} to ${count}`);
    const known = inventory.get(resource);
    if (!known) throw new Error(`cannot allocate unregistered device ${resource}`);
    if (known.healthy.size === 0) throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`);
    if (before?.ids.some((id) => !known.healthy.has(id)))
      throw new Error(`previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`);
    if (before || count === 0) return;
    const free = available(resource);
    const again = reuse(pod, container, resource);
    const { plugin, options } = known;
    const chosen = await chooseDevices({
      devices: known.devices,
      available: free,
      reusable: again,
      hint,
      count,
      preferred: async (from, must) => {
        if (!plugin || !options.getPreferredAllocationAvailable) return new Set();
        return new Set(
          await plugin.preferred([...from], [...must], count).catch((error: unknown) => {
            throw new Error(`device plugin GetPreferredAllocation rpc failed with err: ${messageOf(error)}`);
          }),
        );
      },
    });
    if (!chosen) {
      const needed = Math.max(0, count - again.size);
      throw new Error(`requested number of devices unavailable for ${resource}. Requested: ${needed}, Available: ${without(free, again).size}`);
    }
    if (!plugin) throw new Error(`unknown Device Plugin ${resource}`);
    const ids = [...chosen];
    const began = performance.now();
    const allocation = await plugin.allocate(ids).finally(() => allocated?.(resource, (performance.now() - began) / 1000));
    if (!allocation) throw new Error('no containers return in allocation response {}');
    const where = Object.fromEntries(ids.map((id) => [id, nodesOf(known.devices.get(id) ?? {})]));
    assignments.add({ pod: uid, container: container.name, resource, ids, nodes: where, allocation });
  }

  async function allocate(pod: Pod, container: Container, hint: Hint): Promise<void> {
    for (const [resource, count] of wants(container))
      if (isManaged(resource) && !isClaimed(pod, container.name, resource)) await allocateOne(pod, container, resource, count, hint);
  }

  function hintsOf(resource: string, count: number, own: readonly string[], again: ReadonlySet<string>): Hint[] | undefined {
    const devices = devicesIn(resource);
    if (!hasTopology(devices)) return undefined;
    if (own.length) return own.length === count ? deviceHints(devices, new Set(own), new Set(), count, nodes) : [];
    const free = available(resource);
    if (new Set([...free, ...again]).size < count) return [];
    return deviceHints(devices, free, again, count, nodes);
  }

  return {
    register,
    connected: (socket) => closers.has(socket),
    unregister: (socket) => closers.get(socket)?.(),
    pods: () => assignments.pods(),
    release: (uid) => assignments.release(uid),
    allocate,
    containerHints: (pod, container) =>
      Object.fromEntries(
        wants(container)
          .filter(([resource]) => isManaged(resource))
          .map(([resource, count]) => {
            const own = assignments.find(uidOf(pod), container.name, resource)?.ids ?? [];
            return [resource, hintsOf(resource, count, own, reuse(pod, container, resource))];
          }),
      ),
    podHints: (pod) => {
      const { initContainers = [], containers } = pod.spec;
      const all = [...initContainers, ...containers];
      const names = new Set(all.flatMap(wants).flatMap(([resource]) => (isManaged(resource) ? resource : [])));
      return Object.fromEntries(
        [...names].map((resource) => {
          const count = podTotal(pod, (container) => wants(container).find(([name]) => name === resource)?.[1] ?? 0);
          const own = [...new Set(all.flatMap(({ name }) => assignments.find(uidOf(pod), name, resource)?.ids ?? []))];
          return [resource, hintsOf(resource, count, own, new Set())];
        }),
      );
    },
    capacity: () => {
      const told = inventory.capacity();
      if (told.gone.length) assignments.save();
      return told;
    },
    inUse: () => Object.fromEntries([...assignments.resources()].map((resource) => [resource, assignments.taken(resource).size])),
    containerOptions: async (pod, container) => {
      for (const [resource, count] of wants(container)) {
        if (count === 0 || !isManaged(resource) || isClaimed(pod, container.name, resource)) continue;
        const known = inventory.get(resource);
        if (!known) throw new Error(`endpoint not found in cache for a registered resource: ${resource}`);
        if (known.options.preStartRequired) {
          const own = assignments.find(uidOf(pod), container.name, resource);
          if (!own) throw new Error(`no devices found allocated in local cache for pod ${uidOf(pod)}, container ${container.name}, resource ${resource}`);
          await known.plugin?.preStart(own.ids).catch((error: unknown) => {
            throw new Error(`device plugin PreStartContainer rpc failed with err: ${messageOf(error)}`);
          });
        }
        // A pod that ran before this resource had a plugin.
        if (!assignments.find(uidOf(pod), container.name, resource)) await allocateOne(pod, container, resource, count, { preferred: true });
      }
      return assignments.of(uidOf(pod), container.name).map(({ allocation }) => allocation);
    },
    devicesOf: (uid, container) =>
      assignments.of(uid, container).map((one) => ({ resource: one.resource, ids: one.ids, nodes: [...new Set(Object.values(one.nodes).flat())] })),
    healthy: () =>
      inventory
        .names()
        .flatMap((resource) =>
          [...devicesIn(resource).values()]
            .filter((device) => inventory.get(resource)?.healthy.has(device.ID))
            .map((device) => ({ resource, ids: [device.ID], nodes: nodesOf(device) })),
        ),
    health: (uid, container) => {
      const own = assignments.of(uid, container);
      if (own.length === 0) return undefined;
      return own.map(({ resource, ids }) => ({
        name: resource,
        resources: ids.map((resourceID) => {
          const device = devicesIn(resource).get(resourceID);
          return { resourceID, health: !device || isHealthy(device) ? 'Healthy' : 'Unhealthy' };
        }),
      }));
    },
    stop: () => {
      for (const close of [...closers.values()]) close();
    },
  };
}
