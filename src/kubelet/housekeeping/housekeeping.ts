/** Keeps the node clean: ends what runs without a pod, removes what is left of pods that are gone, dead containers, old logs. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodCgroups } from '../cgroups/pods.ts';
import { milliCpu, podTotals, qosClassOf } from '../containers/resources.ts';
import { type KubeletContext, messageOf, runtimeMessageOf } from '../context.ts';
import { isRuntimeNotFound } from '../cri/client.ts';
import type { ImageCollector } from '../images/gc.ts';
import type { PodManager } from '../podworker/manager.ts';
import type { RuntimeCache } from '../runtime/cache.ts';
import { type Pleg, sleep } from '../runtime/pleg.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { surplus } from './garbage.ts';
import { rotateLogs } from './logrotation.ts';

export interface HousekeepingParts {
  context: KubeletContext;
  manager: PodManager;
  pleg: Pleg;
  cgroups: PodCgroups;
  volumes: VolumeManager;
  cache: RuntimeCache;
  images: ImageCollector;
}

const intervalMs = 10_000;
const imageIntervalMs = 300_000;
/** Logs of a pod that is gone from the runtime as well stay a little for those who read them. */
const logRoundsBetween = 2;

export interface Housekeeping {
  /** Cleans up once, then goes on until the kubelet stops. */
  start(): Promise<void>;
  /** What the runtime keeps of dead containers; with `all` also the last ones of pods that have ended. */
  removeDead(all?: boolean): Promise<void>;
}

export function createHousekeeping({ context, manager, pleg, cgroups, volumes, images }: HousekeepingParts): Housekeeping {
  const { cri, config, events, log, signal, options } = context;
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName } };

  async function guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.warn({ err: messageOf(error) }, `housekeeping: ${what} failed`);
    }
  }

  /** Pods that no worker and no runtime knows leave nothing behind. */
  async function orphans(): Promise<void> {
    const running = pleg.podUids();
    for (const uid of running) if (!manager.get(uid)) await manager.endOrphan(uid);
    context.allocations.retain(new Set([...running, ...manager.list().map(({ uid }) => uid)]));
    const left = new Set([...(await volumes.onDisk()), ...(await cgroups.list())]);
    for (const uid of left) {
      if (manager.get(uid) || pleg.podUids().has(uid)) continue;
      log.info({ uid }, 'removing what is left of a pod');
      await volumes.tearDown(uid);
      await cgroups.remove(uid);
    }
  }

  async function removeDead(all = false): Promise<void> {
    const [containers, sandboxes] = await Promise.all([cri.listContainers(), cri.listPodSandbox()]);
    const failures: unknown[] = [];
    const note = (error: unknown): void => {
      if (!isRuntimeNotFound(error)) failures.push(error);
    };
    const { containers: dead, sandboxes: empty } = surplus(containers, sandboxes, (uid) => all && manager.get(uid)?.state === 'terminated');
    // One that can't be removed does not keep the others.
    for (const id of dead) await cri.removeContainer(id).catch(note);
    for (const id of empty) await cri.removePodSandbox(id).catch(note);
    if (failures.length > 0) throw failures[0];
  }

  /** Pods with requests share what the guaranteed ones leave in proportion to what they ask for together. */
  async function burstableShares(): Promise<void> {
    const burstable = manager.active().filter((pod) => qosClassOf(pod) === 'Burstable');
    await cgroups.setBurstableShares(burstable.reduce((sum, pod) => sum + podTotals(pod, 'requests', milliCpu), 0));
  }

  async function oldLogs(): Promise<void> {
    for (const name of await readdir(options.podLogsDir)) {
      const uid = name.split('_')[2];
      if (uid && !manager.get(uid) && !pleg.podUids().has(uid)) await rm(join(options.podLogsDir, name), { recursive: true, force: true });
    }
  }

  async function run(): Promise<void> {
    for (let round = 1; !signal.aborted; round++) {
      await sleep(intervalMs, signal);
      if (signal.aborted) return;
      await guarded('ending orphans', orphans);
      await guarded('removing dead containers', collectContainers);
      await guarded('setting the share of burstable pods', burstableShares);
      if (round % logRoundsBetween === 0) await guarded('removing logs', oldLogs);
    }
  }

  async function collectContainers(): Promise<void> {
    try {
      await removeDead();
    } catch (error) {
      if (!signal.aborted) events.event(node, 'Warning', 'ContainerGCFailed', runtimeMessageOf(error));
      throw error;
    }
  }

  async function rotate(): Promise<void> {
    while (!signal.aborted) {
      await guarded('rotating logs', () => rotateLogs(context));
      await sleep(config.containerLogMonitorInterval, signal);
    }
  }

  /** Once is nothing: the runtime may just have started. */
  async function collectImages(): Promise<void> {
    if (config.imageGCHighThresholdPercent === 100 && config.imageMaximumGCAge === 0) return;
    for (let failed = false; !signal.aborted; await sleep(imageIntervalMs, signal)) {
      try {
        await images.collect();
        failed = false;
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: messageOf(error) }, 'removing unused images failed');
        if (failed) events.event(node, 'Warning', 'ImageGCFailed', messageOf(error));
        failed = true;
      }
    }
  }

  return {
    start: async () => {
      await guarded('ending orphans', orphans);
      void run();
      void rotate();
      void collectImages();
    },
    removeDead,
  };
}
