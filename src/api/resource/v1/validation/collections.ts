/** Lists and maps of bounded size. One that is too large is not looked into. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, tooMany } from '../../../../apimachinery/fieldpath.ts';

type Check<T> = (item: T, at: FieldPath) => FieldError[];

export function validateList<T>(list: readonly T[] | undefined, limit: number, check: Check<T>, at: FieldPath): FieldError[] {
  const items = list ?? [];
  return items.length > limit ? [tooMany(at, items.length, limit)] : items.flatMap((item, index) => check(item, at.index(index)));
}

/** As {@link validateList}, and no key stands twice. */
export function validateSet<T>(list: readonly T[] | undefined, limit: number, check: Check<T>, keyOf: (item: T) => string, at: FieldPath): FieldError[] {
  const items = list ?? [];
  const errors = validateList(items, limit, check, at);
  if (items.length > limit) return errors;
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (seen.has(key)) errors.push(duplicate(at.index(index), key));
    seen.add(key);
  }
  return errors;
}

export const itself = (item: string): string => item;

/** A key that is too long is shown without its middle. */
function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const room = limit - '...'.length;
  return `${text.slice(0, (room + 1) >> 1)}...${text.slice(text.length - (room >> 1))}`;
}

interface MapChecks<T> {
  limit?: number;
  keyLength: number;
  key(key: string, at: FieldPath): FieldError[];
  item?: Check<T>;
}

export function validateMap<T>(map: Readonly<Record<string, T>> | undefined, checks: MapChecks<T>, at: FieldPath): FieldError[] {
  const entries = Object.entries(map ?? {});
  const { limit = Number.POSITIVE_INFINITY, keyLength, key: checkKey, item: checkItem } = checks;
  if (entries.length > limit) return [tooMany(at, entries.length, limit)];
  return entries.flatMap(([key, item]) => [...checkKey(key, at), ...(checkItem?.(item, at.key(shortened(key, keyLength))) ?? [])]);
}
