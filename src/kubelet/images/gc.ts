/** Removes images that no container uses: the least recently used ones when the disk is nearly full, those of long ago if told so. */
import type { KubeletContext } from '../context.ts';
import type { Image } from '../cri/types.gen.ts';
import { imageFs } from './imagefs.ts';

export interface ImageRecord {
  id: string;
  size: number;
  pinned: boolean;
  firstSeen: number;
  lastUsed: number;
}

export interface ImageGcPolicy {
  highPercent: number;
  lowPercent: number;
  /** Milliseconds. */
  minAge: number;
  /** Milliseconds; 0 for no limit. */
  maxAge: number;
}

export interface ImageCollector {
  /** Looks which images are in use; called now and then, so that "last used" means something. */
  detect(): Promise<void>;
  /** Throws when there is not enough to free. */
  collect(): Promise<void>;
  /** Everything that no container uses. */
  deleteUnused(): Promise<void>;
}

/** Oldest use first, then oldest. */
export const evictionOrder = (records: Iterable<ImageRecord>, inUse: ReadonlySet<string>): ImageRecord[] =>
  [...records].filter(({ id, pinned }) => !pinned && !inUse.has(id)).sort((a, b) => a.lastUsed - b.lastUsed || a.firstSeen - b.firstSeen);

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
export function sizeText(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

export interface DiskState {
  free: number;
  size: number;
}

export interface CollectorInput {
  context: Pick<KubeletContext, 'cri' | 'events' | 'log' | 'meters' | 'options' | 'now'>;
  policy: ImageGcPolicy;
  /** Images that pods of this node mount as volumes. */
  volumeImages(): readonly string[];
  /** Is told what is left after some have been removed. */
  removed(remaining: readonly string[], since: Date): void;
  disk?(): Promise<DiskState>;
}

export function createImageCollector({ context, policy, volumeImages, removed, disk }: CollectorInput): ImageCollector {
  const { cri, events, log, meters, options } = context;
  const space = disk ?? ((): Promise<DiskState> => imageFs(cri, options.rootDir));
  const records = new Map<string, ImageRecord>();
  const began = context.now().getTime();
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName } };
  const pinnedNames = new Set(options.pinnedImages ?? []);
  const isPinned = ({ pinned = false, repoTags = [] }: Image): boolean => pinned || repoTags.some((tag) => pinnedNames.has(tag));

  async function survey(now: number): Promise<Set<string>> {
    const [images, containers] = await Promise.all([cri.listImages(), cri.listContainers()]);
    const inUse = new Set<string>();
    const byName = new Map(
      images.flatMap(({ id = '', repoTags = [], repoDigests = [] }) => [id, ...repoTags, ...repoDigests].map((name) => [name, id] as const)),
    );
    const use = (name: string | undefined): void => {
      const id = name && byName.get(name);
      if (id) inUse.add(id);
    };
    for (const { imageRef, image, imageId } of containers) for (const name of [imageId, imageRef, image?.image]) use(name);
    for (const name of volumeImages()) use(name);
    for (const image of images) {
      const { id = '', size = 0 } = image;
      const record = records.get(id) ?? { id, size, pinned: false, firstSeen: now, lastUsed: 0 };
      records.set(id, { ...record, size, pinned: isPinned(image), ...(inUse.has(id) ? { lastUsed: context.now().getTime() } : {}) });
    }
    const present = new Set(images.map(({ id }) => id));
    for (const id of records.keys()) if (!present.has(id)) records.delete(id);
    return inUse;
  }

  async function remove({ id, size }: ImageRecord, why: 'age' | 'space'): Promise<void> {
    log.info({ image: id, size, why }, 'removing an image');
    await cri.removeImage(id);
    meters.count('image_garbage_collected_total', { reason: why });
    records.delete(id);
  }

  async function freeOld(candidates: readonly ImageRecord[], now: number): Promise<ImageRecord[]> {
    if (policy.maxAge === 0 || now - began <= policy.maxAge) return [...candidates];
    const kept: ImageRecord[] = [];
    const failures: string[] = [];
    for (const image of candidates) {
      if (now - image.lastUsed <= policy.maxAge) kept.push(image);
      else await remove(image, 'age').catch((error: Error) => failures.push(error.message));
    }
    if (failures.length) throw new Error(`wanted to free images older than the maximum age, encountered errors in image deletion: [${failures.join(', ')}]`);
    return kept;
  }

  async function freeSpace(candidates: readonly ImageRecord[], wanted: number, now: number): Promise<number> {
    let freed = 0;
    const failures: string[] = [];
    for (const image of candidates) {
      if (image.lastUsed >= now || now - image.firstSeen < policy.minAge) continue;
      try {
        await remove(image, 'space');
      } catch (error) {
        failures.push((error as Error).message);
        continue;
      }
      freed += image.size;
      if (freed >= wanted) break;
    }
    removed([...records.keys()], new Date(now));
    if (failures.length)
      throw new Error(`wanted to free ${wanted} bytes, but freed ${freed} bytes space with errors in image deletion: [${failures.join(', ')}]`);
    return freed;
  }

  return {
    detect: async () => void (await survey(context.now().getTime())),
    collect: async () => {
      const now = context.now().getTime();
      const inUse = await survey(now);
      const candidates = await freeOld(evictionOrder(records.values(), inUse), now);
      const { free, size } = await space();
      if (size === 0) {
        const message = 'invalid capacity 0 on image filesystem';
        events.event(node, 'Warning', 'InvalidDiskCapacity', message);
        throw new Error(message);
      }
      const usage = 100 - Math.floor((Math.min(free, size) * 100) / size);
      if (usage < policy.highPercent) return;
      const wanted = Math.floor((size * (100 - policy.lowPercent)) / 100) - Math.min(free, size);
      const freed = await freeSpace(candidates, wanted, now);
      if (freed >= wanted) return;
      const message =
        `Insufficient free disk space on the node's image filesystem (${usage}% of ${sizeText(size)} used). ` +
        `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). ` +
        'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';
      events.event(node, 'Warning', 'FreeDiskSpaceFailed', message);
      throw new Error(message);
    },
    deleteUnused: async () => {
      const now = context.now().getTime();
      await freeSpace(evictionOrder(records.values(), await survey(now)), Number.MAX_SAFE_INTEGER, now);
    },
  };
}
