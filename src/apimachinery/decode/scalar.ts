/** Decoders of scalars: type checks in upstream's words, and its normal form of quantities, times and base64. */
import { Buffer } from 'node:buffer';
import { isRawNumber } from '../codec/number.ts';
import { formatMicroTime, formatTime, parseTime, zeroTimeSeconds } from '../codec/time.ts';
import { canonicalQuantity } from '../quantity.ts';
import type { Scalar } from '../schema.ts';
import { DecodeError, typeMismatch, valueKind } from './errors.ts';
import type { Context, Decode, Site } from './struct.ts';

/** List items and map values stand at their field already; a field's own value does not. */
function mismatch(kind: string, site: Site, context: Context): DecodeError {
  const path = context.fields.at(-1) === site.field ? context.fields : [...context.fields, site.field];
  return typeMismatch(kind, site.goType, site.struct, path);
}

/** Types with a decoder of their own don't know where they stand. */
const lost = (kind: string, goType: string): DecodeError => new DecodeError(`json: cannot unmarshal ${kind} into Go value of type ${goType}`);

export function decodeScalar(type: Scalar, site: Site): Decode {
  switch (type.type) {
    case 'boolean':
      return (value, context) => {
        if (typeof value !== 'boolean') throw mismatch(valueKind(value), site, context);
        return value;
      };
    case 'integer':
      return integer(type.format, site);
    case 'number':
      return (value, context) => {
        if (typeof value !== 'number') throw mismatch(valueKind(value), site, context);
        return value;
      };
    case 'string':
      break;
  }
  switch (type.format) {
    case 'byte':
      return (value, context) => {
        if (typeof value !== 'string') throw mismatch(valueKind(value), site, context);
        return base64(value);
      };
    case 'quantity':
      return quantity;
    case 'int-or-string':
      return intOrString;
    case 'date-time':
      return (value) => time(value, false);
    case 'micro-time':
      return (value) => time(value, true);
    default:
      return (value, context) => {
        if (typeof value !== 'string') throw mismatch(valueKind(value), site, context);
        return value;
      };
  }
}

function integer(format: 'int32' | 'int64', site: Site): Decode {
  return (value, context) => {
    if (typeof value === 'number') {
      const fits = format === 'int32' ? value === (value | 0) : Number.isInteger(value) && Math.abs(value) < 2 ** 63;
      if (!fits) throw mismatch(`number ${value}`, site, context);
      return value === 0 ? 0 : value;
    }
    if (isRawNumber(value)) {
      const exact = BigInt(value.rawJSON);
      if (format === 'int64' && exact === BigInt.asIntN(64, exact)) return value;
      throw mismatch(`number ${value.rawJSON}`, site, context);
    }
    throw mismatch(valueKind(value), site, context);
  };
}

function quantity(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw new DecodeError(wrongQuantity);
  try {
    return canonicalQuantity(value);
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const wrongQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function intOrString(value: unknown): number | string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') throw lost(valueKind(value), 'int32');
  if (value !== (value | 0)) throw lost(`number ${value}`, 'int32');
  return value;
}

/** The zero time counts as none. */
function time(value: unknown, micro: boolean): string | undefined {
  if (typeof value !== 'string') throw lost(valueKind(value), 'string');
  // What the server itself writes needs no parsing.
  if (!micro && plainTime.test(value) && parseTime(value) && !value.startsWith('0001-01-01')) return value;
  const instant = parseTime(value);
  if (!instant) {
    const layout = micro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00';
    throw new DecodeError(`parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`);
  }
  if (instant.seconds === zeroTimeSeconds && instant.nanos === 0) return undefined;
  return micro ? formatMicroTime(instant) : formatTime(instant.seconds);
}

const plainTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function base64(text: string): string {
  const plain = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text;
  if (!canonicalBase64.test(plain)) {
    const bad = plain.search(/[^A-Za-z0-9+/]/);
    throw new DecodeError(`illegal base64 data at input byte ${bad < 0 ? plain.length - (plain.length % 4) : bad}`);
  }
  return plain.length % 4 === 0 && !plain.endsWith('=') ? plain : Buffer.from(plain, 'base64').toString('base64');
}
