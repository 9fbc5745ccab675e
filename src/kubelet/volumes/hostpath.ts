import type { Stats } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import type { VolumePlugin } from './plugin.ts';

const checks: Record<string, { test(info: Stats): boolean; what: string }> = {
  Directory: { test: (info) => info.isDirectory(), what: 'a directory' },
  File: { test: (info) => info.isFile(), what: 'a file' },
  Socket: { test: (info) => info.isSocket(), what: 'a socket file' },
  CharDevice: { test: (info) => info.isCharacterDevice(), what: 'a character device' },
  BlockDevice: { test: (info) => info.isBlockDevice(), what: 'a block device' },
};

/** Creates or checks the path as the type says; throws upstream's words. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  if (path.split('/').includes('..')) throw new Error("path must not contain '..'");
  if (type === '') return;
  const info = await stat(path).catch(() => undefined);
  if (type === 'DirectoryOrCreate' && !info) return void (await mkdir(path, { recursive: true, mode: 0o755 }));
  if (type === 'FileOrCreate' && !info) return (await open(path, 'a', 0o644)).close();
  const kind = type.replace('OrCreate', '');
  const check = checks[kind];
  if (!check) throw new Error(`${type} is an invalid volume type`);
  if (!info || !check.test(info)) throw new Error(`hostPath type check failed: ${path} is not ${check.what}`);
}

/** A file or directory of the node. */
export const hostPath: VolumePlugin = {
  name: 'host-path',
  handles: (volume) => volume.hostPath !== undefined,
  setUp: async ({ volume }) => {
    const { path = '', type = '' } = volume.hostPath ?? {};
    await checkHostPath(path, type);
    return { path };
  },
};
