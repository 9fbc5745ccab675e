/** What has been given to whom, on disk: written whole or not at all, and known for broken when it is. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

const sumOf = (data: unknown): number => crc32(JSON.stringify(data));

/** Undefined when there is none. Throws when it can't be read or its checksum is wrong. */
export function readCheckpoint<T extends object>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { checksum, ...data } = JSON.parse(text) as { checksum?: number };
  if (checksum !== sumOf(data)) throw new Error('checkpoint is corrupted');
  return data as T;
}

/** Small, rarely written and to be on disk before a container is made with it: that is why it is done at once. */
export function writeCheckpoint(file: string, data: object): void {
  const plain = JSON.parse(JSON.stringify(data)) as object;
  const text = JSON.stringify({ ...plain, checksum: sumOf(plain) });
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  writeFileSync(`${file}.tmp`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.tmp`, file);
}

export const removeCheckpoint = (file: string): void => rmSync(file, { force: true });
