/** `string.format`: printf-like clauses over CEL values. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { entriesOf } from '../values.ts';

function shown(value: unknown, nested = false): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return nested ? JSON.stringify(value) : value;
    case 'number':
      return Number.isNaN(value) ? 'NaN' : Math.abs(value) === Number.POSITIVE_INFINITY ? `${value < 0 ? '-' : ''}Infinity` : String(value);
    case 'object':
      break;
    default:
      return String(value);
  }
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Duration || value instanceof UnsignedInt) return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return `[${value.map((one) => shown(one, true)).join(', ')}]`;
  const name = (value as { name?: unknown }).name;
  if (Object.getPrototypeOf(value) !== Object.prototype && !(value instanceof Map)) return typeof name === 'string' ? name : String(value);
  const entries = entriesOf(value).map(([key, one]) => `${shown(key, true)}:${shown(one, true)}`);
  return `{${entries.sort().join(', ')}}`;
}

const integer = (value: unknown, clause: string): bigint => {
  if (typeof value === 'bigint') return value;
  if (value instanceof UnsignedInt) return BigInt(value.valueOf());
  if (clause === 'b' && typeof value === 'boolean') return value ? 1n : 0n;
  throw new Error(`error during formatting: ${clause === 'd' ? 'integer' : clause} clause can only be used on integers`);
};

const double = (value: unknown, clause: string): number => {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || value instanceof UnsignedInt) return Number(value.valueOf());
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  throw new Error(`error during formatting: ${clause} clause can only be used on doubles`);
};

function hexadecimal(value: unknown): string {
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return integer(value, 'x').toString(16);
}

function exponential(value: number, precision: number): string {
  return value.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2');
}

function clauseText(clause: string, value: unknown, precision: number): string {
  switch (clause) {
    case 's':
      return shown(value);
    case 'd':
      return typeof value === 'number' ? shown(value) : integer(value, clause).toString();
    case 'f':
      return Number.isFinite(double(value, clause)) ? double(value, clause).toFixed(precision) : shown(double(value, clause));
    case 'e':
      return exponential(double(value, clause), precision);
    case 'b':
      return integer(value, clause).toString(2);
    case 'o':
      return integer(value, clause).toString(8);
    case 'x':
      return hexadecimal(value);
    case 'X':
      return hexadecimal(value).toUpperCase();
    default:
      throw new Error(`could not parse formatting clause: unrecognized formatting clause "${clause}"`);
  }
}

/** @throws when there are fewer values than clauses, or one is of the wrong type */
export function formatString(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replace(/%(?:%|(?:\.(\d+))?([\s\S]?))/g, (whole, precision: string | undefined, clause: string | undefined) => {
    if (whole === '%%') return '%';
    if (!clause) throw new Error('unexpected end of string');
    if (next >= values.length) throw new Error(`index ${next} out of range`);
    return clauseText(clause, values[next++], precision === undefined ? 6 : Number(precision));
  });
}
