/** Where the CPUs and the memory of this machine lie: cores, sockets, NUMA nodes, as `/sys/devices/system` tells. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCpuSet, sorted } from './cpuset.ts';

export interface Cpu {
  id: number;
  /** The lowest CPU of the same core, which names the core. */
  core: number;
  socket: number;
  node: number;
  /** The lowest CPU that shares the last level of cache. */
  cache: number;
}

export interface NumaNode {
  id: number;
  /** Bytes. */
  memory: number;
  /** Bytes by resource name: `hugepages-2Mi`. */
  hugePages: Readonly<Record<string, number>>;
  /** To every node, in order of their numbers; 10 is the node itself. */
  distances: readonly number[];
}

export interface Machine {
  cpus: readonly Cpu[];
  nodes: readonly NumaNode[];
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined; // not told by this kernel
  }
};

const numbered = (directory: string, prefix: string): number[] => {
  const pattern = new RegExp(`^${prefix}(\\d+)$`);
  try {
    return sorted(
      readdirSync(directory)
        .flatMap((name) => pattern.exec(name)?.[1] ?? [])
        .map(Number),
    );
  } catch {
    return [];
  }
};

/** `2048kB` → `hugepages-2Mi`. */
function hugePageName(kilobytes: number): string {
  const [size, unit] = kilobytes >= 1048576 ? [kilobytes / 1048576, 'Gi'] : kilobytes >= 1024 ? [kilobytes / 1024, 'Mi'] : [kilobytes, 'Ki'];
  return `hugepages-${size}${unit}`;
}

function hugePagesOf(directory: string): Record<string, number> {
  const root = join(directory, 'hugepages');
  let names: string[] = [];
  try {
    names = readdirSync(root);
  } catch {
    return {}; // a kernel without them
  }
  return Object.fromEntries(
    names.flatMap((name) => {
      const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
      return kilobytes ? [[hugePageName(kilobytes), Number(read(join(root, name, 'nr_hugepages')) ?? 0) * kilobytes * 1024]] : [];
    }),
  );
}

const lowest = (list: string | undefined, own: number): number => (list ? Math.min(...parseCpuSet(list)) : own);

/** `totalMemory` (bytes) counts where the kernel knows of no NUMA nodes: all is node 0 then. */
export function readMachine(totalMemory: number, root = '/sys/devices/system'): Machine {
  const online = read(join(root, 'cpu/online'));
  const present = online ? parseCpuSet(online) : undefined;
  const ids = numbered(join(root, 'cpu'), 'cpu').filter((id) => present?.has(id) ?? true);
  const nodeIds = numbered(join(root, 'node'), 'node');
  const nodeOfCpu = new Map(
    nodeIds.flatMap((node) => [...parseCpuSet(read(join(root, 'node', `node${node}`, 'cpulist')) ?? '')].map((cpu) => [cpu, node] as const)),
  );
  const cpus = ids.map((id): Cpu => {
    const about = join(root, 'cpu', `cpu${id}`);
    const caches = numbered(join(about, 'cache'), 'index').filter((index) => read(join(about, 'cache', `index${index}`, 'level')) === '3');
    const siblings = read(join(about, 'topology/core_cpus_list')) ?? read(join(about, 'topology/thread_siblings_list'));
    const node = nodeOfCpu.get(id) ?? 0;
    const sharing = caches.length ? read(join(about, 'cache', `index${caches.at(-1)}`, 'shared_cpu_list')) : read(join(root, 'node', `node${node}`, 'cpulist'));
    return {
      id,
      core: lowest(siblings, id),
      socket: Math.max(0, Number(read(join(about, 'topology/physical_package_id')) ?? 0)),
      node,
      cache: lowest(sharing, id),
    };
  });
  const nodes = nodeIds.map((id): NumaNode => {
    const about = join(root, 'node', `node${id}`);
    const kilobytes = Number(/MemTotal:\s+(\d+) kB/.exec(read(join(about, 'meminfo')) ?? '')?.[1] ?? 0);
    return {
      id,
      memory: kilobytes * 1024,
      hugePages: hugePagesOf(about),
      distances: (read(join(about, 'distance')) ?? '').split(/\s+/).filter(Boolean).map(Number),
    };
  });
  return { cpus, nodes: nodes.length ? nodes : [{ id: 0, memory: totalMemory, hugePages: {}, distances: [10] }] };
}
