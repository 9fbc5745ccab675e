import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Image } from '../cri/types.gen.ts';
import { createImageCollector, type DiskState, type ImageGcPolicy, sizeText } from './gc.ts';

const minute = 60_000;
const image = (id: string, size: number, more: Partial<Image> = {}): Image => ({ id, size, repoTags: [`${id}:1`], ...more });

function collector(images: Image[], containers: Container[], disk: DiskState, policy: Partial<ImageGcPolicy> = {}, volumeImages: string[] = []) {
  const removed: string[] = [];
  const told: string[] = [];
  let now = 60 * minute;
  const found = createImageCollector({
    context: {
      cri: {
        listImages: async () => images.filter(({ id = '' }) => !removed.includes(id)),
        listContainers: async () => containers,
        removeImage: async (id: string) => void removed.push(id),
      },
      events: { event: (_: unknown, __: unknown, reason: string, message: string) => void told.push(`${reason}: ${message}`) },
      log: { info: () => {} },
      meters: { count: () => {} },
      options: { nodeName: 'n', pinnedImages: ['pause:1'] },
      now: () => new Date(now),
    } as unknown as Parameters<typeof createImageCollector>[0]['context'],
    policy: { highPercent: 85, lowPercent: 80, minAge: 2 * minute, maxAge: 0, ...policy },
    volumeImages: () => volumeImages,
    removed: () => {},
    disk: async () => disk,
  });
  return { ...found, removed, told, wait: (ms: number) => void (now += ms), containers };
}

test('nothing goes while the disk is not nearly full', async () => {
  const gc = collector([image('a', 10)], [], { size: 1000, free: 160 });
  await gc.detect();
  gc.wait(10 * minute);
  await gc.collect();
  assert.deepEqual(gc.removed, []);
});

test('the least recently used images go until there is room, never those in use or pinned', async () => {
  const images = [
    image('used', 500),
    image('a', 60),
    image('b', 60),
    image('c', 60),
    image('pause', 500),
    image('kept', 500, { pinned: true }),
    image('vol', 9),
  ];
  const containers: Container[] = [
    { id: '1', imageRef: 'used' },
    { id: '2', imageRef: 'a:1' },
  ];
  const gc = collector(images, containers, { size: 1000, free: 100 }, {}, ['vol:1']);
  await gc.detect();
  containers.pop();
  gc.wait(10 * minute);
  await gc.collect();
  assert.deepEqual(gc.removed, ['b', 'c'], 'a was in use more recently');
});

test('young images stay, and it is told that there is no room', async () => {
  const gc = collector([image('a', 60)], [], { size: 1000, free: 100 });
  await gc.detect();
  gc.wait(minute);
  await assert.rejects(gc.collect());
  assert.deepEqual(gc.removed, []);
  assert.deepEqual(gc.told, [
    "FreeDiskSpaceFailed: Insufficient free disk space on the node's image filesystem (90% of 1000 B used). Failed to free sufficient space by deleting unused images (freed 0 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.",
  ]);
});

test('images that nobody has used for too long go whatever the disk says', async () => {
  const gc = collector([image('a', 60)], [], { size: 1000, free: 900 }, { maxAge: 30 * minute });
  await gc.detect();
  gc.wait(20 * minute);
  await gc.collect();
  assert.deepEqual(gc.removed, []);
  gc.wait(20 * minute);
  await gc.collect();
  assert.deepEqual(gc.removed, ['a']);
});

test('under disk pressure all unused images go', async () => {
  const gc = collector([image('a', 1), image('used', 1)], [{ id: '1', imageRef: 'used' }], { size: 1000, free: 900 });
  await gc.detect();
  gc.wait(3 * minute);
  await gc.deleteUnused();
  assert.deepEqual(gc.removed, ['a']);
});

test('sizes are written as upstream writes them', () => {
  assert.deepEqual([100, 2048, 5 * 1024 ** 2, 1.5 * 1024 ** 3, 3 * 1024 ** 4, 2 ** 52].map(sizeText), [
    '100 B',
    '2.0 KiB',
    '5.0 MiB',
    '1.5 GiB',
    '3.0 TiB',
    '4096.0 TiB',
  ]);
});
