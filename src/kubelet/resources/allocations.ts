/**
 * What containers of this node have for themselves: puts the device, CPU and memory managers together as the configuration
 * says, and brings what they give into containers' configurations.
 */
import { join } from 'node:path';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { canonicalQuantity } from '../../apimachinery/quantity.ts';
import { cgroupVersion } from '../cgroups/hierarchy.ts';
import { qosClassOf } from '../containers/resources.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import type { ContainerConfig } from '../cri/types.gen.ts';
import type { OtherPlugins } from '../csi/drivers.ts';
import { createDeviceManager, type DeviceManager } from '../devices/manager.ts';
import type { Allocation } from '../devices/messages.ts';
import { checkPlugin, type PluginRegistry, servePluginRegistry } from '../devices/registry.ts';
import { type Allocator, createAllocator } from './allocator.ts';
import { readCheckpoint, removeCheckpoint } from './checkpoint.ts';
import { cpuOptionsOf } from './cpuoptions.ts';
import { type CpuManager, createCpuManager } from './cpus.ts';
import { formatCpuSet, parseCpuSet, sorted } from './cpuset.ts';
import { readMachine } from './machine.ts';
import { createMemoryManager, type MemoryManager } from './memory.ts';
import { type PodResourcesInput, servePodResources } from './podresources.ts';
import { containersOf } from './provider.ts';
import { reservedMemoryOf, reservedMilliCpu } from './reserved.ts';
import { topologyOptionsOf } from './topologyoptions.ts';

export interface Allocations extends Allocator {
  devices: DeviceManager;
  cpus: CpuManager | undefined;
  memory: MemoryManager | undefined;
  /** Device plugins that announce themselves as drivers do. */
  plugins: OtherPlugins;
  /** Adds to a container's configuration what it has. Throws what the container waits with. */
  configure(pod: Pod, container: Container, config: ContainerConfig): Promise<void>;
  /** CPUs that nobody shares need no quota. Source of the rule: KEP-3570, `DisableCPUQuotaWithExclusiveCPUs`. */
  unthrottled(pod: Pod): boolean;
  /** What a pod has for itself stays as it is; `granted` is the pod with what it has now. */
  resizeRefusal(pod: Pod, granted: Pod | undefined): { reason: 'Infeasible'; message: string } | undefined;
  /** Device plugins can register, and others can ask who has what. */
  serve(pods: Pick<PodResourcesInput, 'active' | 'claims' | 'find'>): Promise<void>;
  stop(): Promise<void>;
}

type Needed = Pick<KubeletContext, 'config' | 'log' | 'meters' | 'now' | 'options' | 'resources'>;

/** Earlier ones win: two plugins may want the same. */
const distinct = <T>(all: readonly T[], key: (one: T) => string | undefined): T[] =>
  [...new Map(all.toReversed().map((one) => [key(one), one])).values()].toReversed();

/** What its containers ask for, to compare. */
const amountsOf = (pod: Pod, name: string): string =>
  containersOf(pod)
    .map(({ resources }) => canonicalQuantity(resources?.requests?.[name] ?? '0'))
    .join();

function applyDevices(config: ContainerConfig, allocations: readonly Allocation[]): void {
  const envs = distinct(
    allocations.flatMap(({ envs: given }) => Object.entries(given)),
    ([name]) => name,
  );
  const mounts = distinct(
    allocations.flatMap((one) => one.mounts),
    ({ containerPath }) => containerPath,
  );
  const devices = distinct(
    allocations.flatMap((one) => one.devices),
    ({ containerPath }) => containerPath,
  );
  const cdi = distinct(
    allocations.flatMap(({ cdiDevices }) => cdiDevices),
    ({ name }) => name,
  );
  config.envs = [...envs.map(([key, value]) => ({ key, value: Buffer.from(value) })), ...(config.envs ?? [])];
  config.mounts = [...mounts.map(({ containerPath, hostPath, readOnly }) => ({ containerPath, hostPath, readonly: readOnly })), ...(config.mounts ?? [])];
  config.devices = [...devices, ...(config.devices ?? [])];
  config.annotations = { ...Object.assign({}, ...allocations.map(({ annotations }) => annotations)), ...config.annotations };
  config.cdiDevices = [...(config.cdiDevices ?? []), ...cdi];
}

/** What an earlier policy has given stays bound to its containers: they have to go first. */
function leaveBehind(file: string, policy: string): void {
  let saved: { policyName: string; entries?: object } | undefined;
  try {
    saved = readCheckpoint(file);
  } catch {
    // Nobody can tell what it said, and nobody needs to know any more.
  }
  if (saved?.entries)
    throw new Error(`configured policy "${policy}" differs from state checkpoint policy "${saved.policyName}": drain the node and remove ${file}`);
  removeCheckpoint(file);
}

/** Throws when the configuration does not fit the machine or what stands on disk. `changed` is told of devices that come, go or fail. */
export function createAllocations({ config, log, meters, now, options, resources }: Needed, changed: (pods: string[]) => void): Allocations {
  const { rootDir } = options;
  const machine = readMachine(resources.memory);
  const topology = topologyOptionsOf(config.topologyManagerPolicyOptions);
  if (config.topologyManagerPolicy !== 'none' && machine.nodes.length > topology.maxNodes)
    throw new Error(`unsupported on machines with more than ${topology.maxNodes} NUMA Nodes`);
  const directory = join(rootDir, 'device-plugins');
  const files = { cpus: join(rootDir, 'cpu_manager_state'), memory: join(rootDir, 'memory_manager_state') };
  const devices = createDeviceManager({
    directory,
    nodes: machine.nodes.map(({ id }) => id),
    log,
    now: () => now().getTime(),
    changed,
    allocated: (resource, seconds) => meters.observe('device_plugin_alloc_duration_seconds', seconds, { resource_name: resource }),
  });
  const cpus =
    config.cpuManagerPolicy === 'static'
      ? createCpuManager({
          machine,
          reservedMilli: reservedMilliCpu(config),
          reserved: parseCpuSet(config.reservedSystemCPUs),
          options: cpuOptionsOf(config.cpuManagerPolicyOptions),
          file: files.cpus,
        })
      : undefined;
  const memory =
    config.memoryManagerPolicy === 'Static'
      ? createMemoryManager({
          nodes: machine.nodes,
          reserved: reservedMemoryOf(config, machine.nodes, resources.memory),
          file: files.memory,
        })
      : undefined;
  if (!cpus) leaveBehind(files.cpus, 'none');
  if (!memory) leaveBehind(files.memory, 'None');
  const allocator = createAllocator({
    providers: [devices, ...(cpus ? [cpus] : []), ...(memory ? [memory] : [])],
    policy: config.topologyManagerPolicy,
    scope: config.topologyManagerScope,
    nodes: machine.nodes,
    preferClosest: topology.preferClosest,
    observe: (event) => meters.count(event === 'request' ? 'topology_manager_admission_requests_total' : 'topology_manager_admission_errors_total'),
  });
  let registry: PluginRegistry | undefined;
  let stopPodResources = (): void => {};

  return {
    ...allocator,
    devices,
    cpus,
    memory,
    plugins: {
      type: 'DevicePlugin',
      register: async (name, endpoint, versions) => {
        checkPlugin(versions, name);
        await devices.register(name, endpoint);
      },
      unregister: devices.unregister,
      holds: devices.connected,
    },
    unthrottled: (pod) => cpus !== undefined && containersOf(pod).some(({ name }) => cpus.exclusive(pod.metadata.uid ?? '', name)),
    resizeRefusal: (pod, granted) => {
      if (qosClassOf(pod) !== 'Guaranteed') return undefined;
      const changes = (name: string): boolean => granted === undefined || amountsOf(pod, name) !== amountsOf(granted, name);
      const infeasible = (message: string): { reason: 'Infeasible'; message: string } => ({ reason: 'Infeasible', message });
      if (cpus && changes('cpu')) return infeasible('Resize is infeasible for Guaranteed Pods alongside CPU Manager policy "static"');
      return memory && changes('memory') ? infeasible('Resize is infeasible for Guaranteed Pods alongside Memory Manager policy "Static"') : undefined;
    },
    configure: async (pod, container, target) => {
      const uid = pod.metadata.uid ?? '';
      const given = await devices.containerOptions(pod, container);
      if (given.length) applyDevices(target, given);
      const linux = target.linux?.resources;
      if (!linux) return;
      if (cgroupVersion() === 2 && !config.singleProcessOOMKill) linux.unified = { ...linux.unified, 'memory.oom.group': '1' };
      if (cpus) {
        const own = cpus.exclusive(uid, container.name);
        linux.cpusetCpus = formatCpuSet(own ?? cpus.shared());
        // No quota. -1 says the same, but crun 1.8 fails to write it to cgroup v1.
        if (own) delete linux.cpuQuota;
      }
      const blocks = memory?.blocks(uid, container.name) ?? [];
      if (blocks.length) linux.cpusetMems = sorted(new Set(blocks.flatMap(({ nodes }) => nodes))).join(',');
    },
    serve: async ({ active, claims, find }) => {
      const failed = (what: string) => (error: unknown) => {
        log.error({ err: messageOf(error) }, `${what} can not be served`);
        return undefined;
      };
      const registered = (resource: string): void => meters.count('device_plugin_registration_total', { resource_name: resource });
      registry = await servePluginRegistry(directory, devices, registered).catch(failed('device plugins'));
      const socket = join(rootDir, 'pod-resources', 'kubelet.sock');
      const stop = await servePodResources({ socket, devices, cpus, memory, claims, active, find }).catch(failed('the pod resources API'));
      if (stop) stopPodResources = stop;
    },
    stop: async () => {
      devices.stop();
      stopPodResources();
      await registry?.stop();
    },
  };
}
