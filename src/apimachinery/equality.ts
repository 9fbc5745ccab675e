/** Equality of JSON values. */
import { own } from './own.ts';

type Json = Record<string, unknown>;

/** Same value; the order of object keys is irrelevant, and a key that is `undefined` is as good as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!deepEqual(a[index], b[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  let count = 0;
  for (const key in a) {
    const value = (a as Json)[key];
    if (value === undefined) continue;
    count++;
    if (!deepEqual(value, own(b as Json, key))) return false;
  }
  for (const key in b) if ((b as Json)[key] !== undefined) count--;
  return count === 0;
}

/** What counts as no value: absent, `null`, an empty list. An empty object is a value: `emptyDir: {}`. */
const isNothing = (value: unknown): boolean => value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/** As {@link deepEqual}, where an empty list is the same as none: upstream's "semantic" equality. */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b || (isNothing(a) && isNothing(b))) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => semanticEqual(item, b[index]));
  if (Array.isArray(b)) return false;
  for (const key in a) if (!semanticEqual((a as Json)[key], own(b as Json, key))) return false;
  for (const key in b) if (!Object.hasOwn(a, key) && !isNothing((b as Json)[key])) return false;
  return true;
}
