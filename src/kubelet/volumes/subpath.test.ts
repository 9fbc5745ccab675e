import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openBelow } from './subpath.ts';

async function volume(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'subpath-'));
  t.after(() => rm(root, { recursive: true }));
  return root;
}

test('directories that are made for a subPath have the mode that was asked for, whatever the umask', async (t) => {
  const root = await volume(t);
  await mkdir(join(root, 'there'), { mode: 0o700 });
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const handle = await openBelow(root, ['there', 'a', 'b'], 0o2777);
  t.after(() => handle.close());
  const mode = async (path: string): Promise<number> => (await stat(join(root, path))).mode & 0o7777;
  assert.deepEqual([await mode('there'), await mode('there/a'), await mode('there/a/b')], [0o700, 0o2777, 0o2777]);
  assert.equal((await handle.stat()).ino, (await stat(join(root, 'there/a/b'))).ino);
});

test('links are not followed, and without a mode nothing is made', async (t) => {
  const root = await volume(t);
  await symlink('/etc', join(root, 'out'));
  await assert.rejects(openBelow(root, ['out', 'ssl'], 0o755), { message: 'subpath out is a symbolic link' });
  await assert.rejects(openBelow(root, ['none']), { code: 'ENOENT' });
});
