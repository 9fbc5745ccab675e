/** Sets of indexes as text: `1,3-5,7`. */
import { quote } from '../../../../apimachinery/fieldpath.ts';

type Interval = readonly [number, number];

/** A text that is no such set; the message is upstream's. */
export class IndexesError extends Error {}

function parseIndex(text: string, completions: number): number {
  if (!/^[+-]?\d+$/.test(text)) throw new IndexesError(`cannot convert string to integer for index: ${quote(text)}`);
  const index = Number(text);
  if (index >= completions) throw new IndexesError(`too large index: ${quote(text)}`);
  return index;
}

function parseInterval(text: string, completions: number): Interval {
  const limits = text.split('-');
  if (limits.length > 2) {
    throw new IndexesError(`the fragment ${quote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`);
  }
  const first = parseIndex(limits[0] ?? '', completions);
  if (limits[1] === undefined) return [first, first];
  const last = parseIndex(limits[1], completions);
  if (first >= last) throw new IndexesError(`non-increasing order, previous: ${first}, current: ${last}`);
  return [first, last];
}

/** Intervals in increasing order, all below `completions`. */
export function parseIndexes(text: string, completions: number): Interval[] {
  const intervals: Interval[] = [];
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part, completions);
    const previous = intervals.at(-1);
    if (previous && previous[1] >= interval[0]) throw new IndexesError(`non-increasing order, previous: ${previous[1]}, current: ${interval[0]}`);
    intervals.push(interval);
  }
  return intervals;
}

/** Why a text can't be read; undefined when it can. */
export function indexesError(text: string, completions: number): string | undefined {
  try {
    parseIndexes(text, completions);
    return undefined;
  } catch (error) {
    if (error instanceof IndexesError) return error.message;
    throw error;
  }
}

export const countIndexes = (intervals: readonly Interval[]): number => intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** The first index that is in both; undefined when there is none, or a text can't be read. */
export function firstOverlap(a: string, b: string, completions: number): number | undefined {
  if (indexesError(a, completions) || indexesError(b, completions)) return undefined;
  const others = parseIndexes(b, completions);
  for (const [first, last] of parseIndexes(a, completions)) {
    const other = others.find(([from, to]) => first <= to && from <= last);
    if (other) return Math.max(first, other[0]);
  }
  return undefined;
}
