/**
 * `subPath` without escape: the path is walked component by component through open directories, never following a link
 * that somebody put there meanwhile, and what is bound into the container is the open file itself, not a path to it.
 */
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, realpath, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { bindMount, isMountPoint, unmountBelow } from './mounts.ts';

const O_PATH = 0o10000000;
const walk = O_PATH | constants.O_NOFOLLOW;
const through = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

/** Opens `components` below `root` one by one; with `create`, missing directories are made with that mode. */
export async function openBelow(root: string, components: readonly string[], create?: number): Promise<FileHandle> {
  let current = await open(root, O_PATH | constants.O_DIRECTORY);
  try {
    for (const component of components) {
      const path = `${through(current)}/${component}`;
      let next: FileHandle;
      try {
        next = await open(path, walk);
      } catch (error) {
        if (create === undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        await mkdir(path, { mode: create });
        next = await open(path, walk);
        // Whoever may write to the volume may write to what is made in it, whatever the umask of this process says.
        if ((await next.stat()).isDirectory()) await chmod(through(next), create);
      }
      const info = await next.stat();
      await current.close();
      current = next;
      if (info.isSymbolicLink()) throw new Error(`subpath ${component} is a symbolic link`);
    }
    return current;
  } catch (error) {
    await current.close();
    throw error;
  }
}

/** What was bound before may have been deleted and made anew since. */
async function isSameFile(handle: FileHandle, target: string): Promise<boolean> {
  const [wanted, bound] = await Promise.all([handle.stat(), stat(target)]);
  return wanted.dev === bound.dev && wanted.ino === bound.ino;
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** The real path of `subPath` as far as it exists, which must not leave the volume, and what is still missing. */
async function resolveInside(volume: string, subPath: string): Promise<{ existing: string[]; missing: string[] }> {
  const parts = partsOf(subPath);
  for (let count = parts.length; count >= 0; count--) {
    let real: string;
    try {
      real = await realpath(join(volume, ...parts.slice(0, count)));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') continue;
      throw error;
    }
    const inside = relative(volume, real);
    if (inside === '..' || inside.startsWith('../')) throw new Error(`subpath "${subPath}" not within volume path "${volume}"`);
    return { existing: partsOf(inside), missing: parts.slice(count) };
  }
  throw new Error(`volume path "${volume}" does not exist`);
}

/** Binds `subPath` of the volume at `volume` to `target` and returns `target`; makes the directory when it is not there. */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  if (subPath.startsWith('/')) throw new Error(`failed to prepare subPath for volumeMount: subPath "${subPath}" must be relative`);
  if (partsOf(subPath).includes('..')) throw new Error(`failed to prepare subPath for volumeMount: subPath "${subPath}" must not contain '..'`);
  const root = await realpath(volume);
  const info = await stat(root);
  if (!info.isDirectory()) throw new Error(`cannot use subPath of "${volume}": not a directory`);
  const { existing, missing } = await resolveInside(root, subPath);
  const handle = await openBelow(root, [...existing, ...missing], info.mode & 0o7777);
  try {
    const isDirectory = (await handle.stat()).isDirectory();
    if (isDirectory) await mkdir(target, { recursive: true, mode: 0o750 });
    else {
      await mkdir(join(target, '..'), { recursive: true, mode: 0o750 });
      if (!(await stat(target).catch(() => undefined))) await writeFile(target, '', { mode: 0o640 });
    }
    if ((await isMountPoint(target)) && !(await isSameFile(handle, target))) await unmountBelow(target);
    if (!(await isMountPoint(target))) await bindMount(`/proc/${process.pid}/fd/${handle.fd}`, target);
    return target;
  } finally {
    await handle.close();
  }
}
