/** Puts pods out that use more local storage than they may, and one after the other when the node runs out of memory. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type KubeletContext, messageOf } from '../context.ts';
import { measure, minMemory } from '../node/pressure.ts';
import type { PodManager } from '../podworker/manager.ts';
import { podTarget } from '../podworker/target.ts';
import type { PodWorker } from '../podworker/worker.ts';
import type { RuntimeCache } from '../runtime/cache.ts';
import { sleep } from '../runtime/pleg.ts';
import { isCritical, limitsStorage, memoryMessage, memoryVictim, overStorageLimit, type PodUsage } from './decide.ts';

const intervalMs = 10_000;
const run = promisify(execFile);

/** Bytes on disk; 0 for what is not there. */
async function diskUsage(path: string): Promise<number> {
  try {
    const { stdout } = await run('du', ['-sk', path]);
    return Number(stdout.split(/\s/)[0]) * 1024;
  } catch (error) {
    // `du` complains about files that vanish under it, but counts the rest.
    return Number(/^(\d+)/.exec((error as { stdout?: string }).stdout ?? '')?.[1] ?? 0) * 1024;
  }
}

/** Runs until the kubelet stops. */
export async function runEvictions(context: KubeletContext, manager: PodManager, cache: RuntimeCache): Promise<void> {
  const { cri, events, log, options, paths, signal } = context;

  async function usageOf({ pod, uid }: PodWorker, withDisk: boolean): Promise<PodUsage> {
    const running = cache.last(uid)?.containers.filter(({ state }) => state === 'running') ?? [];
    const memory = new Map<string, number>();
    const disk = new Map<string, number>();
    const emptyDirs = new Map<string, number>();
    for (const { id, name } of running) {
      const [stats] = await cri.listContainerStats({ id });
      memory.set(name, stats?.memory?.workingSetBytes?.value ?? 0);
      if (withDisk) disk.set(name, (stats?.writableLayer?.usedBytes?.value ?? 0) + (await diskUsage(join(paths.podLogs(pod), name))));
    }
    if (withDisk) {
      for (const { name, emptyDir } of pod.spec.volumes ?? [])
        if (emptyDir && (emptyDir.medium ?? '') === '') emptyDirs.set(name, await diskUsage(paths.volume(uid, 'empty-dir', name)));
    }
    return { pod, memory, disk, emptyDirs };
  }

  function evict(worker: PodWorker, message: string, byNode: boolean): void {
    if (isCritical(worker.pod)) return;
    events.event(podTarget(worker.pod), 'Warning', 'Evicted', message);
    log.info({ pod: `${worker.pod.metadata.namespace}/${worker.pod.metadata.name}`, why: message }, 'evicting a pod');
    worker.evict({ reason: 'Evicted', message, grace: 1, disruption: byNode });
  }

  async function look(): Promise<void> {
    const active = manager.list().filter(({ active: is, state }) => is && state === 'syncing');
    for (const worker of active.filter(({ pod }) => limitsStorage(pod))) {
      const message = overStorageLimit(await usageOf(worker, true));
      if (message) evict(worker, message, false);
    }
    const { memoryAvailable } = measure(options.rootDir);
    if (memoryAvailable >= minMemory) return;
    const victim = memoryVictim(await Promise.all(active.map((worker) => usageOf(worker, false))));
    const worker = active.find(({ pod }) => pod === victim?.pod);
    if (worker && victim) evict(worker, memoryMessage(victim, minMemory, memoryAvailable), true);
  }

  while (!signal.aborted) {
    await sleep(intervalMs, signal);
    if (!signal.aborted) await look().catch((error: unknown) => log.warn({ err: messageOf(error) }, 'looking for pods to evict failed'));
  }
}
