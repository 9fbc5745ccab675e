/** JSON merge patch (RFC 7386). */
import { badRequest } from '../errors.ts';
import { goKind } from './errors.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without the members of objects that are null, at any depth. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, withoutNulls(member)]),
  );
}

function merge(original: Json, patch: Json): Json {
  const merged = new Map(Object.entries(original));
  for (const [key, value] of Object.entries(patch)) {
    const current = merged.get(key);
    if (value === null) merged.delete(key);
    else if (isObject(current) && isObject(value)) merged.set(key, merge(current, value));
    else merged.set(key, isObject(current) ? value : withoutNulls(value));
  }
  return Object.fromEntries(merged);
}

/** Applies a merge patch; the original is left as it is. 400 when the patch is no object. */
export function applyMergePatch(original: Json, patch: unknown): Json {
  if (patch === null || patch === undefined) throw badRequest('Invalid JSON Patch');
  if (!isObject(patch)) throw badRequest(`error decoding patch: json: cannot unmarshal ${goKind(patch)} into Go value of type map[string]interface {}`);
  return merge(original, patch);
}
