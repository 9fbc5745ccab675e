/** Completion indexes as ordered ranges: `1,3-5,7`, as a Job's status keeps them. */
import type { Pod } from '../../api/core/v1/types.gen.ts';

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

interface Range {
  first: number;
  last: number;
}

export type Indexes = readonly Range[];

export const total = (indexes: Indexes): number => indexes.reduce((sum, { first, last }) => sum + last - first + 1, 0);
export const hasIndex = (indexes: Indexes, index: number): boolean => indexes.some(({ first, last }) => first <= index && index <= last);

/** Ranges that touch or overlap become one. */
export function merge(a: Indexes, b: Indexes): Indexes {
  const merged: Range[] = [];
  for (const range of [...a, ...b].sort((one, two) => one.first - two.first)) {
    const last = merged.at(-1);
    if (last && range.first <= last.last + 1) last.last = Math.max(last.last, range.last);
    else merged.push({ ...range });
  }
  return merged;
}

export const indexesOf = (numbers: Iterable<number>): Indexes =>
  merge(
    [],
    Array.from(numbers, (index) => ({ first: index, last: index })),
  );

/** What is no range is left out, and what is not below `completions`. */
export function parseIndexes(text: string | undefined, completions: number): Indexes {
  const ranges = (text ?? '').split(',').flatMap((part): Range[] => {
    const [, from, to] = /^([0-9]+)(?:-([0-9]+))?$/.exec(part) ?? [];
    if (from === undefined || Number(from) >= completions) return [];
    return [{ first: Number(from), last: Math.min(Number(to ?? from), completions - 1) }];
  });
  return merge([], ranges);
}

export const formatIndexes = (indexes: Indexes): string =>
  indexes.map(({ first, last }) => (first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`)).join(',');

/** The first `count` below `completions` that are not taken. */
export function freeIndexes(taken: Indexes, count: number, completions: number): number[] {
  const free: number[] = [];
  let candidate = 0;
  for (const { first, last } of [...taken, { first: completions, last: completions }]) {
    for (; candidate < Math.min(first, completions) && free.length < count; candidate++) free.push(candidate);
    candidate = Math.max(candidate, last + 1);
  }
  return free;
}

export const overlap = (a: Indexes, b: Indexes): number =>
  a.reduce((sum, one) => sum + b.reduce((inner, two) => inner + Math.max(0, Math.min(one.last, two.last) - Math.max(one.first, two.first) + 1), 0), 0);

/** Undefined for a pod without one. */
export function completionIndex({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\+?[0-9]+$/.test(text) ? Number(text) : undefined;
}
