/**
 * Merging an applied configuration into a live value: what is applied wins, what is not mentioned stays, lists keep an order
 * that fits both. Results share parts with the arguments.
 */

import { own } from '../own.ts';
import type { ArrayType, FieldType } from '../schema.ts';
import { elementOfItem, isMap } from './element.ts';
import { type FieldSet, isEmptySet } from './fieldset.ts';
import { deduced, fieldTypeOf, isAtomic } from './types.ts';

type Fields = Record<string, unknown>;

/** Undefined stands for a value that is not there. */
export function merge(type: FieldType, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  if (live === undefined || isAtomic(type)) return applied;
  switch (type.type) {
    case 'array':
      return mergeLists(type, live, applied);
    case 'any':
      if (!(applied === null || isMap(applied)) || !(live === null || isMap(live))) return applied;
      return mergeMaps(deduced, live, applied);
    default:
      return mergeMaps(type, isMap(live) ? live : null, isMap(applied) ? applied : null);
  }
}

function mergeMaps(type: FieldType, live: Fields | null, applied: Fields | null): unknown {
  if ((live === null || isEmptySet(live as FieldSet)) && (applied === null || isEmptySet(applied as FieldSet))) return applied;
  const merged: Fields = { ...live };
  for (const name in applied) {
    const field = fieldTypeOf(type, name);
    const value = applied[name];
    if (field !== undefined && value !== undefined) merged[name] = merge(field, own(live, name), value);
  }
  return merged;
}

function mergeLists(type: ArrayType, live: unknown, applied: unknown): unknown {
  const lefts = Array.isArray(live) ? live : [];
  const rights = Array.isArray(applied) ? applied : [];
  if (lefts.length === 0 && rights.length === 0) return applied;
  const leftElements = lefts.map((item) => elementOfItem(type, item));
  const rightElements = rights.map((item) => elementOfItem(type, item));
  const leftItems = firstOf(leftElements, lefts);
  const rightItems = firstOf(rightElements, rights);
  const shared = rightElements.filter((element) => leftItems.has(element));
  let nextShared = 0;
  const done = new Set<string>();
  const merged: unknown[] = [];
  const take = (element: string): void => {
    done.add(element);
    merged.push(merge(type.items, leftItems.get(element), rightItems.get(element)));
  };
  let left = 0;
  let right = 0;
  while (left < lefts.length || right < rights.length) {
    if (left < lefts.length) {
      const element = leftElements[left] as string;
      if (element === rightElements[right]) {
        take(element);
        left++;
        right++;
        nextShared++;
        continue;
      }
      if (!rightItems.has(element)) {
        merged.push(lefts[left++]);
        continue;
      }
      // An item of both that is not next in the applied order: it comes when its turn is.
      if (right < rights.length && nextShared < shared.length && shared[nextShared] !== element) {
        left++;
        continue;
      }
      if (done.has(element)) left++;
    }
    if (right < rights.length) {
      const element = rightElements[right++] as string;
      if (element === shared[nextShared]) nextShared++;
      take(element);
    }
  }
  return merged;
}

/** Items by identity; where several share one, none of them is merged with. */
function firstOf(elements: readonly string[], items: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [index, element] of elements.entries()) found.set(element, found.has(element) ? null : items[index]);
  return found;
}
