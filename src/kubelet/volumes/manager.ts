/** Keeps the volumes of the node's pods: set up before the first container, brought up to date while it runs, taken away at the end. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../api/core/v1/types.gen.ts';
import type { PodFacts } from '../containers/fields.ts';
import { allContainers } from '../containers/resources.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { csiInline, unmountDriverVolumes } from '../csi/volume.ts';
import { podTarget } from '../podworker/target.ts';
import { persistentVolumeClaim } from './claim.ts';
import { configuration, memoryDirectory } from './configuration.ts';
import { emptyDir } from './emptydir.ts';
import { hostPath } from './hostpath.ts';
import { isMountPoint, mountTmpfs, unmountBelow } from './mounts.ts';
import { applyFsGroup } from './ownership.ts';
import type { MountedVolume, VolumePlugin } from './plugin.ts';
import { forgetTokens } from './token.ts';

const plugins: readonly VolumePlugin[] = [configuration, emptyDir, hostPath, persistentVolumeClaim, csiInline];

export type MountedVolumes = ReadonlyMap<string, MountedVolume>;

export interface VolumeManager {
  start(): Promise<void>;
  /** Brings all volumes of the pod up; throws the first failure, after an event for each. */
  setUp(pod: Pod, facts: PodFacts): Promise<MountedVolumes>;
  /** Their content may be out of date: the next `setUp` writes it again. */
  invalidate(uid: string): void;
  isFresh(uid: string): boolean;
  /** Epoch milliseconds when the next content expires. */
  nextRefresh(uid: string): number | undefined;
  /** Unmounts and removes everything of the pod, its directory included. */
  tearDown(uid: string): Promise<void>;
  /** Uids of pods that have a directory. */
  onDisk(): Promise<string[]>;
}

export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

interface PodVolumes {
  mounted: Map<string, MountedVolume>;
  fresh: boolean;
  /** When content that could not be brought up to date is tried again (epoch milliseconds). */
  retryAt?: number | undefined;
}

const retryMs = 10_000;

/** The volumes that some container uses. */
function usedVolumes(pod: Pod): Volume[] {
  const names = new Set(
    allContainers(pod).flatMap((container) => [...(container.volumeMounts ?? []), ...(container.volumeDevices ?? [])].map(({ name }) => name)),
  );
  return (pod.spec.volumes ?? []).filter(({ name }) => names.has(name));
}

export function createVolumeManager(context: KubeletContext): VolumeManager {
  const pods = new Map<string, PodVolumes>();
  const memory = memoryDirectory(context.paths.root);

  async function setUpOne(pod: Pod, volume: Volume, facts: PodFacts, before: MountedVolume | undefined): Promise<MountedVolume> {
    const plugin = plugins.find((candidate) => candidate.handles(volume));
    if (volume.image) return { path: '' };
    if (!plugin) throw new Error(`no volume plugin matched`);
    if (before && !before.managed) return before;
    const mounted = await plugin.setUp({ context, pod, volume, name: volume.name, facts, readOnly: false });
    if (mounted.ownership && !before) await applyFsGroup(mounted.path, pod, mounted.readOnly ?? false);
    return mounted;
  }

  return {
    start: async () => {
      await mkdir(memory, { recursive: true });
      if (!(await isMountPoint(memory))) await mountTmpfs(memory, { mode: '0755' });
    },
    setUp: async (pod, facts) => {
      const uid = pod.metadata.uid ?? '';
      let state = pods.get(uid);
      if (!state) {
        state = { mounted: new Map(), fresh: false };
        pods.set(uid, state);
      }
      if (state.fresh) return state.mounted;
      state.fresh = true;
      state.retryAt = undefined;
      const { mounted } = state;
      const failures: string[] = [];
      await Promise.all(
        usedVolumes(pod).map(async (volume) => {
          try {
            mounted.set(volume.name, await setUpOne(pod, volume, facts, mounted.get(volume.name)));
          } catch (error) {
            failures.push(`MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`);
          }
        }),
      );
      if (failures.length === 0) return mounted;
      state.fresh = false;
      for (const failure of failures) context.events.event(podTarget(pod), 'Warning', 'FailedMount', failure);
      // What was there once stays: a ConfigMap that is deleted does not take running containers with it.
      if (!usedVolumes(pod).every(({ name }) => mounted.has(name))) throw new VolumeError(failures.join('; '));
      state.fresh = true;
      state.retryAt = Date.now() + retryMs;
      return mounted;
    },
    invalidate: (uid) => {
      const state = pods.get(uid);
      if (state) state.fresh = false;
    },
    isFresh: (uid) => pods.get(uid)?.fresh ?? false,
    nextRefresh: (uid) => {
      const state = pods.get(uid);
      const times = [...(state?.mounted.values() ?? [])].flatMap(({ refreshAt }) => refreshAt ?? []);
      if (state?.retryAt !== undefined) times.push(state.retryAt);
      return times.length ? Math.min(...times) : undefined;
    },
    tearDown: async (uid) => {
      const directory = context.paths.pod(uid);
      await unmountDriverVolumes(context, uid);
      await unmountBelow(directory);
      await Promise.all([rm(directory, { recursive: true, force: true }), rm(join(memory, uid), { recursive: true, force: true })]);
      pods.delete(uid);
      context.objects.release(uid);
      forgetTokens(context, uid);
    },
    onDisk: async () => {
      const names = await Promise.all([context.paths.pods, memory].map((directory) => readdir(directory).catch(() => [])));
      return [...new Set(names.flat())];
    },
  };
}
