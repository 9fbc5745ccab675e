import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pod } from '../testing/pods.ts';
import { emptyDir } from './emptydir.ts';
import type { VolumeRequest } from './plugin.ts';

test('an empty directory is for everybody at first, and then as its containers want it', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'emptydir-'));
  t.after(() => rm(root, { recursive: true }));
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const request = { context: { paths: { volume: () => join(root, 'a/b') } }, pod: pod(), volume: { name: 'b', emptyDir: {} }, name: 'b' };
  const setUp = async (): Promise<number> => {
    const { path } = await emptyDir.setUp(request as unknown as VolumeRequest);
    return (await stat(path)).mode & 0o7777;
  };
  assert.equal(await setUp(), 0o777);
  await chmod(join(root, 'a/b'), 0o2750);
  assert.equal(await setUp(), 0o2750);
});
