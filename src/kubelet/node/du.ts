/** What a directory takes of its disk. */
import { execFile } from 'node:child_process';
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
