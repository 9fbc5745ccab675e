/** Ranges of sorted entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SortedEntries } from './sorted.ts';

const keyOf = (index: number): string => `/${'abc'[index % 3]}/${String((index * 7919) % 3000).padStart(4, '0')}`;

function many(): SortedEntries<{ key: string }> {
  const entries = new SortedEntries<{ key: string }>();
  for (let index = 0; index < 3000; index++) entries.set({ key: keyOf(index) });
  return entries;
}

test('a list is what a range goes through, wherever it begins and ends', () => {
  assert.deepEqual(new SortedEntries<{ key: string }>().list('/a/'), []);
  const entries = many();
  for (const [prefix, from] of [
    ['/', undefined],
    ['/a/', undefined],
    ['/b/', undefined],
    ['/c/', undefined],
    ['/b/', '/b/1500'],
    ['/b/', '/a/'],
    ['/b/', '/c/'],
    ['/b/12', undefined],
    ['/d/', undefined],
    ['/', '/b/2999\0'],
  ] as const) {
    assert.deepEqual(entries.list(prefix, from), [...entries.range(prefix, from)], `${prefix} ${from}`);
    if (from !== undefined) continue;
    assert.deepEqual(
      entries.runs(prefix).flatMap((run) => run.entries),
      entries.list(prefix),
      prefix,
    );
  }
});

test('runs are the same until one of theirs changes, and stay as they were', () => {
  const entries = many();
  const before = entries.runs('/');
  assert.ok(before.length > 5);
  assert.deepEqual(new Set(entries.runs('/')), new Set(before));
  const all = before.flatMap((run) => run.entries);
  before[2]?.made?.set('x', Buffer.alloc(1));
  const [changed, gone, grown] = [2, 3, 4].map((at) => before[at]?.entries[7]?.key as string) as [string, string, string];
  entries.set({ key: changed });
  entries.delete(gone);
  entries.set({ key: `${grown}+` });
  const after = entries.runs('/');
  assert.deepEqual(
    after.map((run) => before.indexOf(run)),
    before.map((_, index) => ([2, 3, 4].includes(index) ? -1 : index)),
  );
  assert.deepEqual(
    before.flatMap((run) => run.entries),
    all,
  );
  assert.equal(before[2]?.made, undefined);
  assert.deepEqual(
    after.flatMap((run) => run.entries),
    entries.list('/'),
  );
  // Cut through by the range: not kept.
  assert.equal(entries.runs('/a/').at(-1)?.made, undefined);
});
