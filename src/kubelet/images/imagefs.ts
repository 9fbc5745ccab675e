/** Where the runtime keeps images, and how full that disk is. */
import type { CriClient } from '../cri/client.ts';
import { type DiskMeasures, measureDisk, onSameDisk } from '../node/pressure.ts';

export interface ImageFs extends DiskMeasures {
  path: string;
  /** Bytes that images and layers take. */
  used: number;
  inodesUsed: number;
  /** It is a disk of its own, not the node's. */
  dedicated: boolean;
}

/** Falls back to the node's own disk when the runtime's directory can't be seen from here. */
export async function imageFs(cri: CriClient, rootDir: string): Promise<ImageFs> {
  const [found] = (await cri.imageFsInfo()).imageFilesystems ?? [];
  const used = found?.usedBytes?.value ?? 0;
  const inodesUsed = found?.inodesUsed?.value ?? 0;
  const path = found?.fsId?.mountpoint ?? rootDir;
  try {
    return { ...measureDisk(path), path, used, inodesUsed, dedicated: !onSameDisk(path, rootDir) };
  } catch {
    return { ...measureDisk(rootDir), path: rootDir, used, inodesUsed, dedicated: false };
  }
}
