/** Takes away what a node leaves on the host: mounts, processes, cgroups. Used by `down` after the runtime was asked to stop its pods. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { sliceName, slicePath, stopSlice } from '../../kubelet/cgroups/systemd.ts';
import { tryRun } from './run.ts';

/** Mount points at or below a directory, deepest first. Octal escapes of `/proc/self/mountinfo` are decoded. */
function mountsBelow(directory: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  return mountinfo
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse();
}

/** Unmounts all at or below a directory, lazily where something still holds one. */
export async function unmountBelow(directory: string): Promise<void> {
  for (const point of mountsBelow(directory)) {
    if ((await tryRun('umount', [point])) === undefined) await tryRun('umount', ['--lazy', point]);
  }
}

/** Every hierarchy's directory of a cgroup path: one per controller on v1, the unified one on v2. */
function cgroupDirectories(path: string, root = '/sys/fs/cgroup'): string[] {
  const candidates = [
    root,
    ...(existsSync(root)
      ? readdirSync(root, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map((entry) => join(root, entry.name))
      : []),
  ];
  return [...new Set(candidates.map((base) => join(base, path)))].filter((directory) => existsSync(directory));
}

function processesBelow(directory: string): number[] {
  const own = readIfThere(join(directory, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  return [...own, ...childrenOf(directory).flatMap(processesBelow)];
}

const childrenOf = (directory: string): string[] => {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
};

/** Kills what still runs in a cgroup path and removes it, in all hierarchies; the slices that systemd has in its place as well. */
export async function removeCgroup(path: string): Promise<void> {
  await removeDirectories(cgroupDirectories(path));
  const slices = cgroupDirectories(slicePath(path));
  if (slices.length === 0) return;
  // Those below it go with it.
  await tryRun('busctl', ['--system', ...stopSlice(sliceName(path))]);
  await removeDirectories(slices.filter((directory) => existsSync(directory)));
}

async function removeDirectories(directories: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const pids = new Set(directories.flatMap(processesBelow));
    if (pids.size === 0) break;
    for (const pid of pids) killIfThere(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const directory of directories) removeTree(directory);
}

function removeTree(directory: string): void {
  for (const child of childrenOf(directory)) removeTree(child);
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
