import { chmod, mkdir } from 'node:fs/promises';
import { value } from '../../apimachinery/quantity.ts';
import { bytesOf, podTotals } from '../containers/resources.ts';
import { isMountPoint, mountHugePages, mountTmpfs } from './mounts.ts';
import type { VolumePlugin } from './plugin.ts';

/** Scratch space that lives and dies with the pod: on disk, in memory, or in huge pages. */
export const emptyDir: VolumePlugin = {
  name: 'empty-dir',
  handles: (volume) => volume.emptyDir !== undefined,
  setUp: async ({ context, pod, volume, name }) => {
    const { medium = '', sizeLimit } = volume.emptyDir ?? {};
    const path = context.paths.volume(pod.metadata.uid ?? '', 'empty-dir', name);
    // Once only: what containers do to the mode of their directory is theirs.
    const fresh = (await mkdir(path, { recursive: true })) !== undefined;
    if (fresh) await chmod(path, 0o777);
    if (medium !== '' && !(await isMountPoint(path))) {
      if (medium === 'Memory') {
        const bound = podTotals(pod, 'limits', bytesOf) || context.resources.memory;
        const size = sizeLimit !== undefined && value(sizeLimit) > 0 ? Math.min(value(sizeLimit), bound) : bound;
        await mountTmpfs(path, { size, mode: '1777' });
      } else if (medium.startsWith('HugePages')) {
        await mountHugePages(path, (medium.split('-')[1] ?? context.resources.hugePageSizes[0] ?? '2Mi').replace('i', ''));
      } else throw new Error(`unknown storage medium "${medium}"`);
    }
    return { path, ownership: true };
  },
};
