/** Mounting and unmounting, through mount(8): Node has no call for it. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function mount(args: string[]): Promise<void> {
  try {
    await run('mount', args);
  } catch (error) {
    throw new Error(`mount failed: ${((error as { stderr?: string }).stderr ?? '').trim() || String(error)}`, { cause: error });
  }
}

/** `size` in bytes. */
export const mountTmpfs = (target: string, options: { size?: number; mode?: string } = {}): Promise<void> =>
  mount(['-t', 'tmpfs', '-o', [`mode=${options.mode ?? '0777'}`, ...(options.size ? [`size=${options.size}`] : [])].join(','), 'tmpfs', target]);

export const mountHugePages = (target: string, pageSize: string): Promise<void> =>
  mount(['-t', 'hugetlbfs', '-o', `pagesize=${pageSize},mode=0777`, 'nodev', target]);
/** `source` is taken as it is: a `/proc/<pid>/fd/<n>` names the open file, whatever its path is by now. */
export const bindMount = (source: string, target: string): Promise<void> => mount(['--no-canonicalize', '--bind', source, target]);

const unquote = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Mount points at or below `directory`, deepest first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
    const point = unquote(line.split(' ')[4] ?? '');
    if (point === directory || point.startsWith(`${directory}/`)) found.push(point);
  }
  return found.sort((a, b) => b.length - a.length || (a < b ? 1 : -1));
}

export const isMountPoint = async (path: string): Promise<boolean> => (await mountsBelow(path)).includes(path);

export async function unmountBelow(directory: string): Promise<void> {
  for (const point of await mountsBelow(directory)) {
    try {
      await run('umount', ['-i', point]);
    } catch {
      await run('umount', ['-l', point]);
    }
  }
}
