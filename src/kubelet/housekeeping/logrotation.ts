/** Rotates container logs that have grown too large: rename, tell the runtime to open a new file, drop the oldest. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type KubeletContext, messageOf } from '../context.ts';

/** `20260102-030405`, the suffix of a rotated log. */
const stampOf = (date: Date): string => date.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '-');

const rotatedName = /\.\d{8}-\d{6}(?:\.gz)?$/;

async function rotate(context: KubeletContext, containerId: string, path: string, maxFiles: number): Promise<void> {
  const directory = dirname(path);
  const rotated = (await readdir(directory)).filter((name) => name.startsWith(`${basename(path)}.`) && rotatedName.test(name)).sort();
  // The new rotated file and the one that is being written count, too.
  for (const name of rotated.slice(0, Math.max(0, rotated.length - (maxFiles - 2)))) await rm(join(directory, name), { force: true });
  for (const name of rotated.filter((one) => !one.endsWith('.gz'))) {
    const file = join(directory, name);
    if (!(await stat(file).catch(() => undefined))) continue;
    await pipeline(createReadStream(file), createGzip(), createWriteStream(`${file}.tmp`, { mode: 0o640 }));
    await rename(`${file}.tmp`, `${file}.gz`);
    await rm(file);
  }
  const target = `${path}.${stampOf(context.now())}`;
  await rename(path, target);
  try {
    await context.cri.reopenContainerLog(containerId);
  } catch (error) {
    await rename(target, path);
    throw error;
  }
}

export async function rotateLogs(context: KubeletContext): Promise<void> {
  const { options, config, cri, log } = context;
  const maxSize = config.containerLogMaxSize;
  const maxFiles = Math.max(2, config.containerLogMaxFiles);
  const directories = await readdir(options.podLogsDir).catch(() => []);
  const large = new Set<string>();
  for (const pod of directories) {
    for (const container of await readdir(join(options.podLogsDir, pod)).catch(() => [])) {
      for (const name of await readdir(join(options.podLogsDir, pod, container)).catch(() => [])) {
        const path = join(options.podLogsDir, pod, container, name);
        if (name.endsWith('.log') && ((await stat(path).catch(() => undefined))?.size ?? 0) >= maxSize) large.add(path);
      }
    }
  }
  if (large.size === 0) return;
  for (const { id = '', state } of await cri.listContainers()) {
    if (state !== 'CONTAINER_RUNNING') continue;
    const { logPath = '' } = await cri.containerStatus(id);
    if (large.has(logPath))
      await rotate(context, id, logPath, maxFiles).catch((error: unknown) => log.warn({ logPath, err: messageOf(error) }, 'rotating a log failed'));
  }
}
