/** What a directory takes of its disk. */
import { execFile } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function du(args: readonly string[], path: string): Promise<number> {
  try {
    const { stdout } = await run('du', ['-s', ...args, path]);
    return Number(stdout.split(/\s/)[0]);
  } catch (error) {
    // `du` complains about files that vanish under it, but counts the rest; 0 for what is not there.
    return Number(/^(\d+)/.exec((error as { stdout?: string }).stdout ?? '')?.[1] ?? 0);
  }
}

/** Bytes. */
export const diskUsage = async (path: string): Promise<number> => (await du(['-k'], path)) * 1024;
/** Files and directories. */
export const inodeUsage = (path: string): Promise<number> => du(['--inodes'], path);

export interface TreeUsage {
  bytes: number;
  inodes: number;
}

/** Both at once, without a process: for small directories. What vanishes meanwhile is not counted. */
export async function treeUsage(path: string): Promise<TreeUsage> {
  const total = { bytes: 0, inodes: 0 };
  const left = [path];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    try {
      const info = await lstat(next);
      total.bytes += info.blocks * 512;
      total.inodes++;
      if (info.isDirectory()) for (const name of await readdir(next)) left.push(join(next, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return total;
}
