/** Deep copies of JSON values. Several times quicker than `structuredClone`, which also loses integers that no double can hold. */
import { isRawNumber } from './codec/number.ts';
import './own.ts';

/** Objects are copied with their own enumerable members; exact integers are values and stay as they are. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const copy: unknown[] = new Array(value.length);
    for (let index = 0; index < value.length; index++) copy[index] = copyJson(value[index]);
    return copy as T;
  }
  if (isRawNumber(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key];
    copy[key] = typeof inner === 'object' ? copyJson(inner) : inner;
  }
  return copy as T;
}
