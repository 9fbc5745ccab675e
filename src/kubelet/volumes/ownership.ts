/** Gives a volume's files to the pod's fsGroup, as its change policy says. */
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.gen.ts';

const setgid = 0o2000;
const readWrite = 0o660;
const readOnlyMask = 0o440;
const execute = 0o110;

async function own(path: string, gid: number, readOnly: boolean, recurse: boolean): Promise<void> {
  const info = await lstat(path);
  await lchown(path, -1 >>> 0, gid);
  if (info.isSymbolicLink()) return;
  const mask = (readOnly ? readOnlyMask : readWrite) | (info.isDirectory() ? setgid | execute : 0);
  if ((info.mode & mask) !== mask) await chmod(path, (info.mode & 0o7777) | mask);
  if (recurse && info.isDirectory()) for (const name of await readdir(path)) await own(join(path, name), gid, readOnly, true);
}

/** Whether the top of the volume already is as the policy `OnRootMismatch` wants it. */
async function rootMatches(path: string, gid: number, readOnly: boolean): Promise<boolean> {
  const info = await lstat(path);
  const mask = (readOnly ? readOnlyMask : readWrite) | setgid | execute;
  return info.gid === gid && (info.mode & mask) === mask;
}

export async function applyFsGroup(path: string, pod: Pod, readOnly: boolean): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  if (fsGroup === undefined) return;
  if (fsGroupChangePolicy === 'OnRootMismatch' && (await rootMatches(path, fsGroup, readOnly))) return;
  await own(path, fsGroup, readOnly, true);
}
