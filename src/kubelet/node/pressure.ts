/** What of the machine is in use: memory, process numbers, and the disks of the node and of images. */
import { readFileSync, statfsSync, statSync } from 'node:fs';

export interface Measures {
  memoryAvailable: number;
  diskFree: number;
  diskSize: number;
  inodesFree: number;
  inodes: number;
  pids: number;
  maxPids: number;
}

export interface DiskMeasures {
  free: number;
  size: number;
  inodesFree: number;
  inodes: number;
}

export function measureDisk(path: string): DiskMeasures {
  const { bavail, blocks, bsize, ffree, files } = statfsSync(path);
  return { free: bavail * bsize, size: blocks * bsize, inodesFree: ffree, inodes: files };
}

export function measure(rootDir: string): Measures {
  const { free, size, inodesFree, inodes } = measureDisk(rootDir);
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  return {
    memoryAvailable: Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024,
    diskFree: free,
    diskSize: size,
    inodesFree,
    inodes,
    pids: Number(/\/(\d+) /.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0),
    maxPids: Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')),
  };
}

/** Whether both lie on one file system. */
export const onSameDisk = (one: string, other: string): boolean => statSync(one).dev === statSync(other).dev;
