/** Disk usage of pods' volumes and logs, measured at most once a minute: `volumeStatsAggPeriod`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { KubeletPaths } from '../context.ts';
import { type TreeUsage, treeUsage } from '../node/du.ts';
import { measureDisk } from '../node/pressure.ts';
import type { FsStats } from './stats.ts';

export interface VolumeStats extends FsStats {
  name: string;
  pvcRef?: { name: string; namespace: string };
}

export interface PodDisk {
  volumes: VolumeStats[];
  /** Volumes that live and die with the pod. */
  ephemeral: TreeUsage;
  /** By container. */
  logs: Map<string, TreeUsage>;
}

const keptMs = 60_000;
const measured = new Map<string, { at: number; disk: Promise<PodDisk> }>();

/** Where each volume of the pod is mounted. */
async function mountsOf(paths: KubeletPaths, uid: string): Promise<Map<string, string>> {
  const root = join(paths.pod(uid), 'volumes');
  const plugins = await readdir(root).catch(() => []);
  const found = await Promise.all(
    plugins.map(async (plugin) => {
      const names = await readdir(join(root, plugin)).catch(() => []);
      const below = plugin === 'kubernetes.io~csi' ? 'mount' : '';
      return names.map((name) => [name, join(root, plugin, name, below)] as const);
    }),
  );
  return new Map(found.flat());
}

async function measure(paths: KubeletPaths, pod: Pod, time: string): Promise<PodDisk> {
  const uid = pod.metadata.uid ?? '';
  const mounts = await mountsOf(paths, uid);
  const volumes: VolumeStats[] = [];
  const ephemeral = { bytes: 0, inodes: 0 };
  for (const volume of pod.spec.volumes ?? []) {
    const path = mounts.get(volume.name);
    if (!path) continue;
    const used = await treeUsage(path);
    const disk = measureDisk(path);
    const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined);
    const inMemory = volume.emptyDir?.medium === 'Memory';
    if (!claim && !inMemory) {
      ephemeral.bytes += used.bytes;
      ephemeral.inodes += used.inodes;
    }
    volumes.push({
      time,
      availableBytes: disk.free,
      capacityBytes: disk.size,
      usedBytes: used.bytes,
      inodesFree: disk.inodesFree,
      inodes: disk.inodes,
      inodesUsed: used.inodes,
      name: volume.name,
      ...(claim ? { pvcRef: { name: claim, namespace: pod.metadata.namespace ?? '' } } : {}),
    });
  }
  const logs = new Map<string, TreeUsage>();
  for (const name of await readdir(paths.podLogs(pod)).catch(() => [])) logs.set(name, await treeUsage(join(paths.podLogs(pod), name)));
  return { volumes, ephemeral, logs };
}

export function podDisk(paths: KubeletPaths, pod: Pod, time: string): Promise<PodDisk> {
  const uid = pod.metadata.uid ?? '';
  const known = measured.get(uid);
  if (known && Date.now() - known.at < keptMs) return known.disk;
  const disk = measure(paths, pod, time);
  measured.set(uid, { at: Date.now(), disk });
  disk.catch(() => measured.delete(uid));
  return disk;
}

export function forgetDisks(alive: ReadonlySet<string>): void {
  for (const uid of measured.keys()) if (!alive.has(uid)) measured.delete(uid);
}
