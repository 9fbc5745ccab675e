/** Whether the node runs out of memory, disk or process numbers, by upstream's default hard eviction thresholds. */
import { readFileSync, statfsSync } from 'node:fs';

export interface Pressure {
  memory: boolean;
  disk: boolean;
  pid: boolean;
}

/** Upstream's default for `memory.available`, in bytes. */
export const minMemory = 100 * 1024 * 1024;
const minDiskShare = 0.1;
const minInodeShare = 0.05;
const minPids = 0.02;

export interface Measures {
  memoryAvailable: number;
  diskFree: number;
  diskSize: number;
  inodesFree: number;
  inodes: number;
  pids: number;
  maxPids: number;
}

export function measure(rootDir: string): Measures {
  const { bavail, blocks, bsize, ffree, files } = statfsSync(rootDir);
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  return {
    memoryAvailable: Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024,
    diskFree: bavail * bsize,
    diskSize: blocks * bsize,
    inodesFree: ffree,
    inodes: files,
    pids: Number(/\/(\d+) /.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0),
    maxPids: Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')),
  };
}

/** Some file systems report no inodes at all: those never run out. */
export const pressureOf = (measures: Measures): Pressure => ({
  memory: measures.memoryAvailable < minMemory,
  disk: measures.diskFree < measures.diskSize * minDiskShare || (measures.inodes > 0 && measures.inodesFree < measures.inodes * minInodeShare),
  pid: measures.maxPids - measures.pids < measures.maxPids * minPids,
});
