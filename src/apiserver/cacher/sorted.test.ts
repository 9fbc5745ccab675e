/** Ranges of sorted entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SortedEntries } from './sorted.ts';

test('a list is what a range goes through, wherever it begins and ends', () => {
  const entries = new SortedEntries<{ key: string }>();
  assert.deepEqual(entries.list('/a/'), []);
  for (let index = 0; index < 3000; index++) entries.set({ key: `/${'abc'[index % 3]}/${String((index * 7919) % 3000).padStart(4, '0')}` });
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
  }
});
