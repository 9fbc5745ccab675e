/** configMap, secret, downwardAPI and projected volumes: files that the kubelet writes and keeps up to date, in memory only. */
import { join } from 'node:path';
import type { Volume, VolumeProjection } from '../../api/core/v1/types.gen.ts';
import { writeAtomically } from './atomic.ts';
import { applyFsGroup } from './ownership.ts';
import { projectedContent } from './payload.ts';
import type { VolumePlugin } from './plugin.ts';

const defaultFileMode = 0o644;

/** All four kinds are written as one list of sources. */
function sourcesOf(volume: Volume): { plugin: string; sources: VolumeProjection[]; mode: number } | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return { plugin: 'configmap', sources: [{ configMap }], mode: configMap.defaultMode ?? defaultFileMode };
  if (secret)
    return {
      plugin: 'secret',
      sources: [{ secret: { name: secret.secretName ?? '', items: secret.items, optional: secret.optional } }],
      mode: secret.defaultMode ?? defaultFileMode,
    };
  if (downwardAPI)
    return { plugin: 'downward-api', sources: [{ downwardAPI: { items: downwardAPI.items } }], mode: downwardAPI.defaultMode ?? defaultFileMode };
  if (projected) return { plugin: 'projected', sources: projected.sources ?? [], mode: projected.defaultMode ?? defaultFileMode };
  return undefined;
}

/** Where such volumes live: one memory file system for all pods, so that secrets never touch a disk and a pod needs no mount of its own. */
export const memoryDirectory = (root: string): string => join(root, 'memory');

export const configuration: VolumePlugin = {
  name: 'projected',
  handles: (volume) => sourcesOf(volume) !== undefined,
  setUp: async (request) => {
    const { context, pod, volume, name } = request;
    const kind = sourcesOf(volume);
    if (!kind) throw new Error(`volume "${name}" has no source that the kubelet writes`);
    const { files, refreshAt } = await projectedContent(request, kind.sources, kind.mode);
    const path = join(memoryDirectory(context.paths.root), pod.metadata.uid ?? '', `kubernetes.io~${kind.plugin}`, name);
    await writeAtomically(path, files, (fresh) => applyFsGroup(fresh, pod, true));
    return { path, managed: true, readOnly: true, ...(refreshAt === undefined ? {} : { refreshAt }) };
  },
};
