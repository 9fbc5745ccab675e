/** How one field of a configuration is read and shown: a small vocabulary from which `fields.ts` builds the whole file's shape. */
import { formatDuration, parseDuration } from '../../apimachinery/duration.ts';
import { isQuantity, value as quantityValue } from '../../apimachinery/quantity.ts';

export interface Field<T> {
  /** In the unit that the code works with: milliseconds, bytes. */
  fallback: T;
  /** Throws with what is wrong, without the field's name. */
  read(raw: unknown): T;
  /** As the file has it. */
  show(value: T): unknown;
}

const same = <T>(value: T): unknown => value;
const kindOf = (raw: unknown): string => (Array.isArray(raw) ? 'array' : raw === null ? 'null' : typeof raw);
const expected = (what: string, raw: unknown): Error => new Error(`${what} expected, not ${kindOf(raw)}`);

export const flag = (fallback: boolean): Field<boolean> => ({
  fallback,
  read: (raw) => {
    if (typeof raw !== 'boolean') throw expected('boolean', raw);
    return raw;
  },
  show: same,
});

export const text = (fallback = ''): Field<string> => ({
  fallback,
  read: (raw) => {
    if (typeof raw !== 'string') throw expected('string', raw);
    return raw;
  },
  show: same,
});

export const choice = <const T extends string>(...values: readonly [T, ...T[]]): Field<T> => ({
  fallback: values[0],
  read: (raw) => {
    const found = values.find((value) => value === raw);
    if (found === undefined) throw new Error(`${JSON.stringify(raw)} is not supported here; it can be ${values.map((value) => `"${value}"`).join(' or ')}`);
    return found;
  },
  show: same,
});

export const whole = (fallback: number): Field<number> => ({
  fallback,
  read: (raw) => {
    if (!Number.isInteger(raw)) throw expected('whole number', raw);
    return raw as number;
  },
  show: same,
});

/** Milliseconds. */
export const duration = (fallback: string): Field<number> => ({
  fallback: parseDuration(fallback),
  read: (raw) => {
    if (typeof raw !== 'string') throw expected('duration such as "1m30s"', raw);
    return parseDuration(raw);
  },
  show: formatDuration,
});

/** Bytes. */
export const bytes = (fallback: string): Field<number> => ({
  fallback: quantityValue(fallback),
  read: (raw) => {
    if ((typeof raw !== 'string' && typeof raw !== 'number') || !isQuantity(raw)) throw expected('quantity such as "10Mi"', raw);
    return quantityValue(raw);
  },
  show: (value) => (value % (1024 * 1024) === 0 ? `${value / (1024 * 1024)}Mi` : String(value)),
});

/** Names to strings; numbers count as their text, as in a list of resources. */
export const strings = (fallback: Readonly<Record<string, string>> = {}): Field<Readonly<Record<string, string>>> => ({
  fallback,
  read: (raw) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw expected('map', raw);
    return Object.fromEntries(
      Object.entries(raw).map(([key, value]) => {
        if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`${key}: ${expected('string', value).message}`);
        return [key, String(value)];
      }),
    );
  },
  show: same,
});

export const list = (fallback: readonly string[] = []): Field<readonly string[]> => ({
  fallback,
  read: (raw) => {
    if (!Array.isArray(raw) || !raw.every((one) => typeof one === 'string')) throw new Error('list of strings expected');
    return raw;
  },
  show: same,
});

export const objects = <T extends object>(check: (one: T) => void): Field<readonly T[]> => ({
  fallback: [],
  read: (raw) => {
    if (!Array.isArray(raw) || !raw.every((one) => typeof one === 'object' && one !== null)) throw new Error('list of objects expected');
    for (const one of raw) check(one as T);
    return raw as T[];
  },
  show: same,
});
