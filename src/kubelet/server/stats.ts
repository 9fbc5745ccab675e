/** `/stats/summary`: what node, pods and containers use now. Source of the rule: `stats/v1alpha1` of the kubelet's API. */
import { readFileSync, statfsSync } from 'node:fs';
import type { ContainerStats as CriContainerStats, NetworkUsage, PodSandboxStats } from '../cri/types.gen.ts';
import { imageFs } from '../images/imagefs.ts';
import { measure } from '../node/pressure.ts';
import type { PodWorker } from '../podworker/worker.ts';
import { containerNameLabel, podUidLabel } from '../runtime/labels.ts';
import type { ServerParts } from './server.ts';
import { forgetDisks, podDisk, type VolumeStats } from './volumestats.ts';

export interface CpuStats {
  time: string;
  usageNanoCores?: number;
  usageCoreNanoSeconds?: number;
}

export interface MemoryStats {
  time: string;
  availableBytes?: number;
  usageBytes?: number;
  workingSetBytes?: number;
  rssBytes?: number;
  pageFaults?: number;
  majorPageFaults?: number;
}

export interface FsStats {
  time: string;
  availableBytes?: number;
  capacityBytes?: number;
  usedBytes?: number;
  inodesFree?: number;
  inodes?: number;
  inodesUsed?: number;
}

interface InterfaceStats {
  name: string;
  rxBytes: number;
  rxErrors: number;
  txBytes: number;
  txErrors: number;
}

export interface ContainerStats {
  name: string;
  startTime: string;
  cpu: CpuStats;
  memory: MemoryStats;
  rootfs: FsStats;
  logs?: FsStats;
}

export interface PodStats {
  podRef: { name: string; namespace: string; uid: string };
  startTime: string;
  containers: ContainerStats[];
  cpu: CpuStats;
  memory: MemoryStats;
  network?: { time: string; interfaces: InterfaceStats[] } & Partial<InterfaceStats>;
  'ephemeral-storage': FsStats;
  volume?: VolumeStats[];
  process_stats?: { process_count: number };
}

export interface Summary {
  node: {
    nodeName: string;
    startTime: string;
    cpu: CpuStats;
    memory: MemoryStats;
    fs: FsStats;
    network?: PodStats['network'];
    runtime: { imageFs: FsStats; containerFs: FsStats };
    rlimit: { time: string; maxpid: number; curproc: number };
  };
  pods: PodStats[];
}

/** Cumulative CPU time of the last look, from which the rate of use follows. */
const lastCpu = new Map<string, { at: number; total: number; rate: number }>();
const startedAt = new Date(Date.now() - Math.round(process.uptime() * 1000)).toISOString();
const shortestRateMs = 500;

function cpuOf(id: string, total: number | undefined, given: number | undefined, time: string): CpuStats {
  if (total === undefined) return { time };
  const at = Date.now();
  const before = lastCpu.get(id);
  let rate = given ?? before?.rate ?? 0;
  if (!before || at - before.at >= shortestRateMs) {
    if (given === undefined && before) rate = Math.max(0, Math.round(((total - before.total) / (at - before.at)) * 1000));
    lastCpu.set(id, { at, total, rate });
  }
  return { time, usageCoreNanoSeconds: total, usageNanoCores: rate };
}

function fsOf(path: string, time: string): FsStats {
  const { bavail, bfree, blocks, bsize, ffree, files } = statfsSync(path);
  return {
    time,
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodesFree: ffree,
    inodes: files,
    inodesUsed: files - ffree,
  };
}

function memoryOf(stats: CriContainerStats['memory'], time: string): MemoryStats {
  const { workingSetBytes, usageBytes, rssBytes, pageFaults, majorPageFaults, availableBytes } = stats ?? {};
  const given = Object.entries({ workingSetBytes, usageBytes: usageBytes ?? workingSetBytes, rssBytes, pageFaults, majorPageFaults, availableBytes }).flatMap(
    ([name, amount]) => (amount?.value === undefined ? [] : [[name, amount.value] as const]),
  );
  return { time, ...Object.fromEntries(given) };
}

function networkOf(usage: NetworkUsage | undefined, time: string): PodStats['network'] {
  const main = usage?.defaultInterface;
  if (!usage || !main) return undefined;
  const one = ({ name = '', rxBytes, rxErrors, txBytes, txErrors }: NonNullable<NetworkUsage['defaultInterface']>): InterfaceStats => ({
    name,
    rxBytes: rxBytes?.value ?? 0,
    rxErrors: rxErrors?.value ?? 0,
    txBytes: txBytes?.value ?? 0,
    txErrors: txErrors?.value ?? 0,
  });
  return { time, ...one(main), interfaces: [one(main), ...(usage.interfaces ?? []).map(one)] };
}

function hostNetwork(time: string): PodStats['network'] {
  const interfaces = readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .flatMap((line): InterfaceStats[] => {
      const [name = '', ...numbers] = line.trim().split(/[:\s]+/);
      if (!name || name === 'lo') return [];
      const at = (index: number): number => Number(numbers[index] ?? 0);
      return [{ name, rxBytes: at(0), rxErrors: at(2), txBytes: at(8), txErrors: at(10) }];
    });
  const main = interfaces.find(({ name }) => name.startsWith('e')) ?? interfaces[0];
  return main ? { time, ...main, interfaces } : undefined;
}

/** Nanoseconds that all CPUs of the machine have worked; the kernel counts in hundredths. */
function hostCpu(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu\s+(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '')
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * 1e7;
}

const sum = (values: readonly (number | undefined)[]): number => values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** Without `disks`, volumes and logs are not looked at: that takes longer than all the rest. */
export async function statsSummary({ context, manager, cache }: ServerParts, disks = true): Promise<Summary> {
  const { cri, options, paths } = context;
  const time = context
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z');
  const [containers, sandboxes] = await Promise.all([cri.listContainerStats(), cri.listPodSandboxStats().catch((): PodSandboxStats[] => [])]);
  const disk = fsOf(paths.root, time);
  forgetDisks(new Set(manager.list().map(({ uid }) => uid)));
  const podStats = async ({ pod, uid, active }: PodWorker): Promise<PodStats[]> => {
    const running = cache.last(uid)?.containers.filter(({ state }) => state === 'running') ?? [];
    if (!active || running.length === 0) return [];
    const onDisk = disks ? await podDisk(paths, pod, time) : undefined;
    const of = running.flatMap(({ id, name, startedAt: started }): ContainerStats[] => {
      const stats = containers.find(({ attributes }) => attributes?.id === id);
      if (!stats || stats.attributes?.labels?.[containerNameLabel] !== name) return [];
      const { availableBytes, capacityBytes, inodes, inodesFree } = disk;
      const layer = {
        time,
        availableBytes,
        capacityBytes,
        inodes,
        inodesFree,
        usedBytes: stats.writableLayer?.usedBytes?.value ?? 0,
        inodesUsed: stats.writableLayer?.inodesUsed?.value ?? 0,
      };
      return [
        {
          name,
          startTime: (started ?? new Date(0)).toISOString(),
          cpu: cpuOf(id, stats.cpu?.usageCoreNanoSeconds?.value, stats.cpu?.usageNanoCores?.value, time),
          memory: memoryOf(stats.memory, time),
          rootfs: layer,
          ...(onDisk ? { logs: { ...layer, usedBytes: onDisk.logs.get(name)?.bytes ?? 0, inodesUsed: onDisk.logs.get(name)?.inodes ?? 0 } } : {}),
        },
      ];
    });
    const linux = sandboxes.find(({ attributes }) => attributes?.labels?.[podUidLabel] === uid)?.linux;
    const network = networkOf(linux?.network, time);
    const total = (pick: (stats: ContainerStats) => number | undefined): number => sum(of.map(pick));
    return [
      {
        podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '', uid },
        startTime: pod.status?.startTime ?? time,
        containers: of,
        cpu: { time, usageNanoCores: total(({ cpu }) => cpu.usageNanoCores), usageCoreNanoSeconds: total(({ cpu }) => cpu.usageCoreNanoSeconds) },
        memory: {
          time,
          usageBytes: total(({ memory }) => memory.usageBytes),
          workingSetBytes: total(({ memory }) => memory.workingSetBytes),
          rssBytes: total(({ memory }) => memory.rssBytes),
        },
        ...(network ? { network } : {}),
        'ephemeral-storage': {
          ...disk,
          usedBytes: total(({ rootfs, logs }) => (rootfs.usedBytes ?? 0) + (logs?.usedBytes ?? 0)) + (onDisk?.ephemeral.bytes ?? 0),
          inodesUsed: total(({ rootfs, logs }) => (rootfs.inodesUsed ?? 0) + (logs?.inodesUsed ?? 0)) + (onDisk?.ephemeral.inodes ?? 0),
        },
        ...(onDisk?.volumes.length ? { volume: onDisk.volumes } : {}),
        ...(linux?.process?.processCount?.value === undefined ? {} : { process_stats: { process_count: linux.process.processCount.value } }),
      },
    ];
  };
  const pods = (await Promise.all(manager.list().map(podStats))).flat();
  const images = await imageFs(cri, options.rootDir);
  const seen = new Set(['/', ...containers.map(({ attributes }) => attributes?.id ?? '')]);
  for (const id of lastCpu.keys()) if (!seen.has(id)) lastCpu.delete(id);
  const { memoryAvailable, pids, maxPids } = measure(options.rootDir);
  const workingSet = context.resources.memory - memoryAvailable;
  const network = hostNetwork(time);
  return {
    node: {
      nodeName: options.nodeName,
      startTime: startedAt,
      cpu: cpuOf('/', hostCpu(), undefined, time),
      memory: { time, availableBytes: memoryAvailable, usageBytes: workingSet, workingSetBytes: workingSet, rssBytes: workingSet },
      ...(network ? { network } : {}),
      fs: disk,
      runtime: { imageFs: { ...fsOf(images.path, time), usedBytes: images.used, inodesUsed: images.inodesUsed }, containerFs: fsOf(images.path, time) },
      rlimit: { time, maxpid: maxPids, curproc: pids },
    },
    pods,
  };
}
