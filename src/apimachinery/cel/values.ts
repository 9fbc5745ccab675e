/** JSON as CEL sees it, and back. */
import { Optional } from '@marcbachmann/cel-js';
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { bigintOf, isRawNumber } from '../codec/number.ts';

/** A message literal, such as `JSONPatch{op: "add", …}`. */
export class CelStruct {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(type: string, fields: Readonly<Record<string, unknown>>) {
    this.type = type;
    this.fields = fields;
  }
}

/** Whole numbers are integers, others doubles: as untyped JSON is decoded. Absent fields are absent. */
export function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isRawNumber(value)) return bigintOf(value);
  if (value instanceof Uint8Array || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(celValue);
  const result: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) if (one !== undefined) result[key] = celValue(one);
  return celMap(result);
}

/** The evaluator knows what a value is by its constructor: an object with a member of that name is told as a map. */
export const celMap = (object: Readonly<Record<string, unknown>>): object => (Object.hasOwn(object, 'constructor') ? new Map(Object.entries(object)) : object);

/** `optional.of` the value, `optional.none` of undefined. */
export const celOptional = (value: unknown): unknown => (value === undefined ? Optional.none() : Optional.of(value));

const nanosecondsOf: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };

/** A duration in Go's notation (`1h30m`); undefined for any other text. */
export function celDuration(text: string): Duration | undefined {
  if (!/^[-+]?(\d+(\.\d*)?(h|m|s|ms|us|µs|ns))+$/.test(text)) return undefined;
  let total = 0n;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?)(h|ms|us|µs|ns|m|s)/g)) {
    total += BigInt(Math.round(Number(amount) * (nanosecondsOf[unit] as number)));
  }
  if (text.startsWith('-')) total = -total;
  return new Duration(total / 1_000_000_000n, Number(total % 1_000_000_000n));
}

/** What an expression gave, as JSON; optionals are their value or nothing. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof UnsignedInt) return Number(value.valueOf());
  if (value instanceof Optional) return value.hasValue() ? jsonValue(value.value()) : undefined;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Duration) return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof CelStruct) return jsonValue(value.fields);
  if (Array.isArray(value)) return value.map(jsonValue);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, one]) => [String(key), jsonValue(one)]).filter(([, one]) => one !== undefined));
}

interface Comparable {
  compareTo(other: unknown): number;
}

const isComparable = (value: unknown): value is Comparable =>
  typeof value === 'object' && value !== null && typeof (value as { compareTo?: unknown }).compareTo === 'function';

const numberOf = (value: unknown): number | bigint | undefined =>
  typeof value === 'bigint' || typeof value === 'number' ? value : value instanceof UnsignedInt ? BigInt(value.valueOf()) : undefined;

/** CEL's equality: numbers across types, lists and maps by content. */
export function celEquals(a: unknown, b: unknown): boolean {
  const [left, right] = [numberOf(a), numberOf(b)];
  // biome-ignore lint/suspicious/noDoubleEquals: an integer equals a double of the same value
  if (left !== undefined && right !== undefined) return left == right;
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isComparable(a)) return a.constructor === b.constructor && a.compareTo(b) === 0;
  if (a instanceof Date || a instanceof Duration) return a.constructor === b.constructor && a.valueOf() === b.valueOf();
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, index) => celEquals(one, b[index]));
  if (Array.isArray(b)) return false;
  const [entries, other] = [entriesOf(a), new Map(entriesOf(b))];
  return entries.length === other.size && entries.every(([key, value]) => other.has(key) && celEquals(value, other.get(key)));
}

/** Keys and values of a map, index and element of a list. */
export function entriesOf(value: object): [unknown, unknown][] {
  if (Array.isArray(value)) return value.map((one, index) => [BigInt(index), one]);
  return value instanceof Map ? [...value] : Object.entries(value);
}

/** Negative, zero or positive. @throws when the two have no order */
export function celCompare(a: unknown, b: unknown): number {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if ((a instanceof Date && b instanceof Date) || (a instanceof Duration && b instanceof Duration)) return a.valueOf() - b.valueOf();
  throw new Error('no such overload: values of these types have no order');
}
