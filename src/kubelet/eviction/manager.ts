/** Puts pods out that use more local storage than they may, and one after the other when the node runs out of something. */
import { join } from 'node:path';
import { type KubeletContext, messageOf } from '../context.ts';
import type { ImageCollector } from '../images/gc.ts';
import { imageFs } from '../images/imagefs.ts';
import { diskUsage, inodeUsage } from '../node/du.ts';
import { measure } from '../node/pressure.ts';
import { isCriticalPod } from '../podworker/critical.ts';
import type { PodManager } from '../podworker/manager.ts';
import { podTarget } from '../podworker/target.ts';
import type { PodWorker } from '../podworker/worker.ts';
import type { RuntimeCache } from '../runtime/cache.ts';
import { sleep } from '../runtime/pleg.ts';
import { evictionMessage, limitsStorage, overStorageLimit, type PodUsage, victimOf } from './decide.ts';
import { crossed, type Observations, type PressureType, type StarvedResource, signals, type Threshold, thresholdsOf } from './thresholds.ts';
import { createPressureTracker } from './tracker.ts';

const intervalMs = 10_000;
/** Seconds that a pod has to end when a hard threshold is crossed. */
const hardGrace = 1;

/** Upstream's name for the limit that a pod has crossed. */
const limitNamed = (message: string): string =>
  message.startsWith('Usage of EmptyDir') ? 'emptydirfs.limit' : message.startsWith('Container') ? 'ephemeralcontainerfs.limit' : 'ephemeralpodfs.limit';

export interface EvictionParts {
  context: KubeletContext;
  manager: PodManager;
  cache: RuntimeCache;
  images: ImageCollector;
  /** Removes dead containers, those of pods that have ended included. */
  removeDead(): Promise<void>;
  /** The conditions have changed. */
  changed(): void;
}

export interface EvictionManager {
  /** Runs until the kubelet stops. */
  run(): Promise<void>;
  pressure(): ReadonlySet<PressureType>;
}

export function createEvictionManager({ context, manager, cache, images, removeDead, changed }: EvictionParts): EvictionManager {
  const { cri, config, events, log, options, paths, signal } = context;
  const thresholds = thresholdsOf(config);
  const tracker = createPressureTracker(thresholds, config.evictionPressureTransitionPeriod);
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName } };

  async function observe(): Promise<{ seen: Observations; dedicated: boolean }> {
    const { memoryAvailable, diskFree, diskSize, inodesFree, inodes, pids, maxPids } = measure(options.rootDir);
    const disk = await imageFs(cri, options.rootDir);
    const seen: Observations = {
      'memory.available': { available: memoryAvailable, capacity: context.resources.memory },
      'nodefs.available': { available: diskFree, capacity: diskSize },
      'nodefs.inodesFree': { available: inodesFree, capacity: inodes },
      'imagefs.available': { available: disk.free, capacity: disk.size },
      'imagefs.inodesFree': { available: disk.inodesFree, capacity: disk.inodes },
      'pid.available': { available: maxPids - pids, capacity: maxPids },
    };
    return { seen, dedicated: disk.dedicated };
  }

  async function usageOf({ pod, uid }: PodWorker, resource: StarvedResource): Promise<PodUsage> {
    const running = cache.last(uid)?.containers.filter(({ state }) => state === 'running') ?? [];
    const usage = { pod, memory: new Map<string, number>(), disk: new Map<string, number>(), emptyDirs: new Map<string, number>(), inodes: 0, processes: 0 };
    const onDisk = resource === 'ephemeral-storage' || resource === 'inodes';
    for (const { id, name } of running) {
      const [stats] = await cri.listContainerStats({ id });
      usage.memory.set(name, stats?.memory?.workingSetBytes?.value ?? 0);
      if (!onDisk) continue;
      const logs = join(paths.podLogs(pod), name);
      usage.disk.set(name, (stats?.writableLayer?.usedBytes?.value ?? 0) + (await diskUsage(logs)));
      if (resource === 'inodes') usage.inodes += (stats?.writableLayer?.inodesUsed?.value ?? 0) + (await inodeUsage(logs));
    }
    if (resource === 'pids') {
      const stats = await cri.listPodSandboxStats({ id: cache.last(uid)?.sandboxes[0]?.id ?? '' });
      usage.processes = stats[0]?.linux?.process?.processCount?.value ?? 0;
    }
    for (const { name, emptyDir } of onDisk ? (pod.spec.volumes ?? []) : []) {
      if (!emptyDir || (emptyDir.medium ?? '') !== '') continue;
      const path = paths.volume(uid, 'empty-dir', name);
      usage.emptyDirs.set(name, await diskUsage(path));
      if (resource === 'inodes') usage.inodes += await inodeUsage(path);
    }
    return usage;
  }

  function evict(worker: PodWorker, message: string, byNode: boolean, grace: number, cause: string): void {
    if (isCriticalPod(worker.pod)) return;
    context.meters.count('evictions', { eviction_signal: cause });
    events.event(podTarget(worker.pod), 'Warning', 'Evicted', message);
    log.info({ pod: `${worker.pod.metadata.namespace}/${worker.pod.metadata.name}`, why: message }, 'evicting a pod');
    worker.evict({ reason: 'Evicted', message, grace, disruption: byNode });
  }

  /** Of a disk that images lie on, dead containers and unused images go before pods do. Returns whether that was enough. */
  async function reclaimed({ signal: of }: Threshold, dedicated: boolean): Promise<boolean> {
    const onImageDisk = of.startsWith('imagefs') || (of.startsWith('nodefs') && !dedicated);
    if (!onImageDisk) return false;
    for (const reclaim of [removeDead, images.deleteUnused])
      await reclaim().catch((error: unknown) => log.warn({ err: messageOf(error) }, 'making room on the disk failed'));
    return crossed(thresholds, (await observe()).seen, true).length === 0;
  }

  async function relieve(met: readonly Threshold[], seen: Observations, dedicated: boolean, active: readonly PodWorker[]): Promise<void> {
    const [urgent] = met;
    if (!urgent) return;
    const { resource } = signals[urgent.signal];
    events.event(node, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (await reclaimed(urgent, dedicated)) return;
    const victim = victimOf(resource, await Promise.all(active.map((worker) => usageOf(worker, resource))));
    const worker = active.find(({ pod }) => pod === victim?.pod);
    if (!worker || !victim) return log.warn({ resource }, 'the node runs out of something, and no pod can be put out');
    const own = worker.pod.spec.terminationGracePeriodSeconds ?? 30;
    const grace = urgent.grace === undefined ? hardGrace : Math.min(config.evictionMaxPodGracePeriod, own);
    evict(worker, evictionMessage(victim, resource, met, seen), true, grace, urgent.signal);
  }

  async function look(): Promise<void> {
    const before = [...tracker.conditions()].sort().join();
    const { seen, dedicated } = await observe();
    const met = tracker.observe(seen, Date.now());
    if ([...tracker.conditions()].sort().join() !== before) changed();
    const active = manager.list().filter(({ active: is, state }) => is && state === 'syncing');
    let evicted = false;
    for (const worker of active.filter(({ pod }) => limitsStorage(pod))) {
      const message = overStorageLimit(await usageOf(worker, 'ephemeral-storage'));
      if (message) evict(worker, message, false, hardGrace, limitNamed(message));
      evicted ||= message !== undefined;
    }
    if (!evicted) await relieve(met, seen, dedicated, active);
  }

  return {
    pressure: () => tracker.conditions(),
    run: async () => {
      while (!signal.aborted) {
        await look().catch((error: unknown) => {
          if (!signal.aborted) log.warn({ err: messageOf(error) }, 'looking for pods to evict failed');
        });
        await sleep(intervalMs, signal);
      }
    },
  };
}
