/** A disk of its own for a test: an ext4 file system in a file. Needs root. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ok } from '../e2e/cluster.ts';

export interface Disk extends AsyncDisposable {
  /** The file that is the disk. */
  file: string;
  /** Where it is mounted. */
  path: string;
  /** What stands on the disk at this moment, as a machine would find it after its power was cut: another disk, mounted. */
  snapshot(): Promise<Disk>;
}

async function mounted(directory: string, file: string): Promise<Disk> {
  const path = join(directory, 'mounted');
  mkdirSync(path);
  // Nothing is written back for its own sake while a test copies the disk.
  await ok('mount', ['-o', 'loop,commit=300', file, path]);
  return {
    file,
    path,
    async snapshot() {
      const other = mkdtempSync(join(tmpdir(), 'knarr-disk-'));
      const copy = join(other, 'disk.img');
      await ok('cp', ['--sparse=always', file, copy]);
      return mounted(other, copy);
    },
    async [Symbol.asyncDispose]() {
      await ok('umount', [path]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function makeDisk(megabytes: number): Promise<Disk> {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-disk-'));
  const file = join(directory, 'disk.img');
  await ok('truncate', ['-s', `${megabytes}M`, file]);
  await ok('mkfs.ext4', ['-q', '-F', '-m', '0', file]);
  return mounted(directory, file);
}
