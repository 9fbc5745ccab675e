/** What this machine has, and what of it pods may use. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { cpus } from 'node:os';
import { canonicalQuantity, milliValue, value } from '../../apimachinery/quantity.ts';
import type { KubeletConfiguration } from '../config/configuration.ts';
import { thresholdsOf } from '../eviction/thresholds.ts';
import type { KubeletOptions } from '../options.ts';
import { reservedMilliCpu } from '../resources/reserved.ts';

export interface NodeResources {
  /** Bytes. */
  memory: number;
  /** `2Mi`, `1Gi`. */
  hugePageSizes: string[];
  capacity(): Record<string, string>;
  allocatable(): Record<string, string>;
}

const kibi = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;

function hugePages(): Map<string, number> {
  const sizes = new Map<string, number>();
  const root = '/sys/kernel/mm/hugepages';
  let names: string[] = [];
  try {
    names = readdirSync(root);
  } catch {
    return sizes; // a kernel without them
  }
  for (const name of names) {
    const kb = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
    if (kb)
      sizes.set(
        kb >= 1048576 ? `${kb / 1048576}Gi` : kb >= 1024 ? `${kb / 1024}Mi` : `${kb}Ki`,
        Number(readFileSync(`${root}/${name}/nr_hugepages`, 'utf8')) * kb * 1024,
      );
  }
  return sizes;
}

export function readNodeResources(options: Pick<KubeletOptions, 'rootDir'>, config: KubeletConfiguration): NodeResources {
  const hard = thresholdsOf(config).filter(({ grace }) => grace === undefined);
  /** What a hard threshold keeps free is nobody's to use. */
  const keptFree = (signal: string, capacity: number): number => {
    const limit = hard.find((threshold) => threshold.signal === signal)?.limit;
    return limit === undefined ? 0 : 'share' in limit ? Math.floor(capacity * limit.share) : limit.amount;
  };
  const memory = Number(/^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const pages = hugePages();
  const reservedHuge = [...pages.values()].reduce((sum, bytes) => sum + bytes, 0);
  const disk = (): number => {
    const { blocks, bsize } = statfsSync(options.rootDir);
    return blocks * bsize;
  };
  const capacity = (): Record<string, string> => ({
    cpu: String(cpus().length),
    'ephemeral-storage': kibi(disk()),
    ...Object.fromEntries([...pages].map(([size, bytes]) => [`hugepages-${size}`, bytes ? kibi(bytes) : '0'])),
    memory: kibi(memory),
    pods: String(config.podsPerCore > 0 ? Math.min(config.maxPods, config.podsPerCore * cpus().length) : config.maxPods),
  });
  const reserved = (name: string): string[] => [config.systemReserved[name], config.kubeReserved[name]].filter((amount) => amount !== undefined);
  return {
    memory,
    hugePageSizes: [...pages.keys()],
    capacity,
    allocatable: () => {
      const full = capacity();
      const cpuLeft = Math.max(0, milliValue(full['cpu'] ?? '0') - reservedMilliCpu(config));
      const memoryLeft = memory - reservedHuge - keptFree('memory.available', memory) - reserved('memory').reduce((sum, amount) => sum + value(amount), 0);
      const diskSize = disk();
      const diskLeft = diskSize - keptFree('nodefs.available', diskSize) - reserved('ephemeral-storage').reduce((sum, amount) => sum + value(amount), 0);
      return { ...full, cpu: canonicalQuantity(`${cpuLeft}m`), memory: kibi(memoryLeft), 'ephemeral-storage': String(diskLeft) };
    },
  };
}
