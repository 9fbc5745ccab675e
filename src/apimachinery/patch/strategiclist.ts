/** Lists in a strategic merge patch: finding items by merge key, and the order of the merged list. */
import { doesNotApply, unclassified } from './errors.ts';

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as Go's `%v` prints it: `map[a:1 b:[x y]]`. */
export function goFormat(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goFormat).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goFormat(value[key])}`);
  return `map[${members.join(' ')}]`;
}

/** The Go type that a JSON value is decoded to. */
function goType(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return Number.isInteger(value) ? 'int64' : 'float64';
}

export const noMergeKey = (item: unknown, mergeKey: string): Error => unclassified(`map: ${goFormat(item)} does not contain declared merge key: ${mergeKey}`);

export const badArgument = (expected: string, value: unknown): Error => unclassified(`expected a ${expected}, but received a ${goType(value)}`);

/** The identity of an item: the value of its merge key, or the scalar itself. */
export function keyOfItem(item: unknown, mergeKey: string): unknown {
  if (mergeKey === '') return item;
  if (!isObject(item)) throw badArgument('map[string]interface {}', item);
  if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
  return item[mergeKey];
}

/** Where the first item with each key stands. Items without the key are passed over. */
export function indexByKey(list: readonly unknown[], mergeKey: string): Map<unknown, number> {
  const positions = new Map<unknown, number>();
  for (const [index, item] of list.entries()) {
    if (mergeKey !== '' && !isObject(item)) throw unclassified(`value for key ${index} is not a map`);
    if (mergeKey !== '' && !Object.hasOwn(item as Json, mergeKey)) continue;
    const key = mergeKey === '' ? item : (item as Json)[mergeKey];
    if (!positions.has(key)) positions.set(key, index);
  }
  return positions;
}

/** Whether the items of the lists are objects; a mixture is an error, and so are lists in lists. */
export function itemsAreObjects(...lists: readonly (readonly unknown[])[]): boolean {
  let type: string | undefined;
  for (const item of lists.flat(1)) {
    const found = goType(item);
    if (type === undefined) {
      if (Array.isArray(item)) throw doesNotApply('lists of lists are not supported');
      type = found;
    } else if (type !== found) {
      throw unclassified(`list element types are not identical: ${goFormat(lists)}`);
    }
  }
  if (type === undefined) throw unclassified('no elements in any of the given slices');
  return type === 'map[string]interface {}';
}

const isDeletion = (item: unknown): boolean => isObject(item) && item['$patch'] === 'delete';

/**
 * Sorts by the position in `order`. Items that `order` does not have move ahead of those that stand before them:
 * an insertion sort with upstream's comparison, since the outcome depends on both.
 */
function sortByOrder(items: readonly unknown[], order: readonly unknown[], mergeKey: string): unknown[] {
  const sorted = items.filter((item) => mergeKey === '' || !isDeletion(item));
  const known = indexByKey(order, mergeKey);
  const positions = sorted.map((item) => known.get(keyOfItem(item, mergeKey)) ?? -1);
  if (!positions.includes(-1)) {
    // With all positions known the outcome is that of any stable sort.
    const indices = [...sorted.keys()].sort((a, b) => positions[a]! - positions[b]!);
    return withDeletions(
      indices.map((index) => sorted[index]),
      items,
      mergeKey,
    );
  }
  const comesFirst = (a: number, b: number) => a < 0 || b < 0 || a < b;
  for (let end = 1; end < sorted.length; end++) {
    for (let at = end; at > 0 && comesFirst(positions[at]!, positions[at - 1]!); at--) {
      [sorted[at], sorted[at - 1]] = [sorted[at - 1], sorted[at]];
      [positions[at], positions[at - 1]] = [positions[at - 1]!, positions[at]!];
    }
  }
  return withDeletions(sorted, items, mergeKey);
}

const withDeletions = (sorted: unknown[], items: readonly unknown[], mergeKey: string): unknown[] =>
  mergeKey === '' ? sorted : [...sorted, ...items.filter(isDeletion)];

/**
 * The order of a merged list: items that the patch names in the patch's order, the others in their old order,
 * woven together so that the server's order is kept where both sides know the items.
 */
export function orderMerged(merged: readonly unknown[], patchOrder: readonly unknown[], serverOrder: readonly unknown[], mergeKey: string): unknown[] {
  for (const item of [...patchOrder, ...serverOrder]) keyOfItem(item, mergeKey);
  const patchPositions = indexByKey(patchOrder, mergeKey);
  const serverPositions = indexByKey(serverOrder, mergeKey);
  const inPatch = (item: unknown) => patchPositions.has(keyOfItem(item, mergeKey));
  const left = sortByOrder(
    merged.filter((item) => !inPatch(item)),
    serverOrder,
    mergeKey,
  );
  const right = sortByOrder(merged.filter(inPatch), patchOrder, mergeKey);
  const position = (item: unknown) => serverPositions.get(keyOfItem(item, mergeKey)) ?? -1;
  const woven: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const a = position(left[i]);
    const b = position(right[j]);
    woven.push(a >= 0 && b >= 0 && a < b ? left[i++] : right[j++]);
  }
  return [...woven, ...left.slice(i), ...right.slice(j)];
}
