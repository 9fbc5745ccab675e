import assert from 'node:assert/strict';
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAtomically } from './atomic.ts';

const payload = (files: Record<string, string>, mode = 0o644) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

test('files appear behind links, change together, and go when they are gone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'atomic-'));
  try {
    assert.equal(await writeAtomically(directory, payload({ a: '1', 'sub/b': '2' }, 0o400)), true);
    assert.equal(await readFile(join(directory, 'sub/b'), 'utf8'), '2');
    assert.equal((await stat(join(directory, 'a'))).mode & 0o777, 0o400);
    assert.ok((await lstat(join(directory, 'a'))).isSymbolicLink());
    const first = await readlink(join(directory, '..data'));
    assert.equal(await writeAtomically(directory, payload({ a: '1', 'sub/b': '2' }, 0o400)), false);
    assert.equal(await readlink(join(directory, '..data')), first);
    assert.equal(await writeAtomically(directory, payload({ a: '3', c: '4' })), true);
    assert.deepEqual((await readdir(directory)).filter((name) => !name.startsWith('..')).sort(), ['a', 'c']);
    assert.equal((await readdir(directory)).filter((name) => name.startsWith('..2')).length, 1);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('paths that would leave the volume are refused', async () => {
  for (const path of ['', '/etc/passwd', '../x', 'a/../../x']) await assert.rejects(writeAtomically('/nonexistent', payload({ [path]: '' })), /invalid path/);
});
