/** The hash of a template, for `pod-template-hash` and names of revisions: the same for the same template, whatever the order of its keys. */
import { fnv32a } from '../../apimachinery/hash.ts';
import { safeEncode } from '../../apimachinery/random.ts';

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  );
}

/** JSON with sorted keys. */
export const canonicalJson = (value: unknown): string => JSON.stringify(canonical(value));

/** `collisionCount` makes another hash of the same template, after a name was found taken. */
export const templateHash = (template: unknown, collisionCount?: number): string =>
  safeEncode(String(fnv32a(canonicalJson(template) + (collisionCount === undefined ? '' : `#${collisionCount}`))));
