/**
 * Writes a set of files so that a reader sees either all of the old or all of the new ones: a fresh directory, and one
 * rename of the link `..data` that the visible names go through.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ProjectedFile {
  data: Uint8Array;
  mode: number;
  /** Owner, where it is not root. */
  uid?: number;
}

export type Payload = ReadonlyMap<string, ProjectedFile>;

const dataLink = '..data';

/** Throws for a path that would leave the volume. */
function check(path: string): void {
  if (path === '') throw new Error('invalid path: must not be empty');
  if (path.startsWith('/')) throw new Error(`invalid path: must be relative path: ${path}`);
  if (path.split('/').includes('..')) throw new Error(`invalid path: must not contain '..': ${path}`);
  if (path.startsWith('..')) throw new Error(`invalid path: must not start with '..': ${path}`);
}

async function sameAs(directory: string, payload: Payload): Promise<boolean> {
  for (const [path, { data, mode, uid = 0 }] of payload) {
    const file = join(directory, path);
    try {
      const now = await stat(file);
      if (now.size !== data.byteLength || now.uid !== uid || (now.mode & mode) !== mode) return false;
      if (!(await readFile(file)).equals(data)) return false;
    } catch {
      return false;
    }
  }
  return (await filesIn(directory)).length === payload.size;
}

async function filesIn(directory: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  const found = await Promise.all(entries.map((entry) => (entry.isDirectory() ? filesIn(directory, join(below, entry.name)) : [join(below, entry.name)])));
  return found.flat();
}

/** Makes `target` show exactly `payload`. `own` is called with the fresh directory before it becomes visible. Returns whether anything changed. */
export async function writeAtomically(target: string, payload: Payload, own?: (directory: string) => Promise<void>): Promise<boolean> {
  for (const path of payload.keys()) check(path);
  await mkdir(target, { recursive: true, mode: 0o755 });
  const link = join(target, dataLink);
  const old = await readlink(link).catch(() => undefined);
  if (old !== undefined && (await sameAs(join(target, old), payload))) return false;
  const stamp = new Date().toISOString().replace(/[-:T]/g, '_').slice(0, 19);
  const name = `..${stamp}.${randomBytes(5).toString('hex')}`;
  const fresh = join(target, name);
  await mkdir(fresh, { mode: 0o755 });
  await chmod(fresh, 0o755);
  for (const [path, { data, mode, uid }] of payload) {
    const file = join(fresh, path);
    if (path.includes('/')) await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, data, { mode });
    await chmod(file, mode);
    if (uid !== undefined) await chown(file, uid, -1);
  }
  await own?.(fresh);
  const temporary = join(target, '..data_tmp');
  await rm(temporary, { force: true });
  await symlink(name, temporary);
  await rename(temporary, link);
  const visible = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  const present = await readdir(target);
  for (const top of visible) if (!present.includes(top)) await symlink(join(dataLink, top), join(target, top));
  for (const entry of present) if (!entry.startsWith('..') && !visible.has(entry)) await unlink(join(target, entry));
  if (old !== undefined) await rm(join(target, old), { recursive: true, force: true });
  return true;
}
