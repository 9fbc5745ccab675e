/**
 * Resource quantities: `100m`, `1.5Gi`, `12e6`. A fixed-point number that remembers in which notation it was written.
 * Source of the rules: apimachinery `api/resource` (grammar, rounding up below a nano, canonical form).
 */

/** In which notation a quantity is printed again. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** `unscaled × 10^exponent`; immutable. */
export interface Quantity {
  readonly unscaled: bigint;
  readonly exponent: number;
  readonly format: QuantityFormat;
  /** As it was written, where that already counts as canonical. */
  readonly text?: string;
}

/** What the arithmetic below takes: a quantity, or its text as it stands in an object. */
export type QuantityLike = Quantity | string | number;

/** Text that is no quantity. The message is upstream's. */
export class QuantityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QuantityError';
  }
}

const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const wrongNumber = 'unable to parse numeric part of quantity';
const wrongSuffix = "unable to parse quantity's suffix";

const decimalSuffixes: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalSuffixOf = new Map(Object.entries(decimalSuffixes).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const binarySuffixOf = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const maxInt64 = (1n << 63n) - 1n;
const nano = -9;
/** Digits that fit an int64 whatever they are; up to here upstream keeps the text as written. */
const safeDigits = 18;

const pow10 = (exponent: number): bigint => 10n ** BigInt(exponent);
const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** Divides by `10^digits`, away from zero. */
function divideUp(value: bigint, digits: number): bigint {
  if (digits > value.toString().length) return value === 0n ? 0n : value < 0n ? -1n : 1n;
  const divisor = pow10(digits);
  const quotient = value / divisor;
  if (quotient * divisor === value) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

interface Suffix {
  exponent: number;
  format: QuantityFormat;
}

function parseSuffix(suffix: string): Suffix {
  const decimal = decimalSuffixes[suffix];
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' };
  const binary = binarySuffixes[suffix];
  if (binary !== undefined) return { exponent: binary, format: 'BinarySI' };
  if (!/^[eE][+-]?[0-9]+$/.test(suffix)) throw new QuantityError(wrongSuffix);
  const exponent = Number(suffix.slice(1));
  if (Math.abs(exponent) > 0x7fffffff) throw new QuantityError(wrongSuffix);
  return { exponent, format: 'DecimalExponent' };
}

const grammar = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)$/;

function parse(text: string): Quantity {
  const match = text === '' ? null : grammar.exec(text);
  if (!match) throw new QuantityError(wrongFormat);
  const sign = match[1] === '-' ? -1n : 1n;
  const whole = match[2] || '0';
  const fraction = match[3] ?? '';
  const { exponent, format } = parseSuffix(match[4] ?? '');
  const digits = whole + fraction;

  if (format === 'BinarySI') {
    const small = fraction === '' && 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1 >= 0;
    if (small) {
      const value = BigInt(whole);
      return { unscaled: sign * (value << BigInt(exponent)), exponent: 0, format, ...((value & 7n) !== 0n ? { text } : {}) };
    }
    let unscaled = BigInt(digits) << BigInt(exponent);
    let scale = -fraction.length;
    if (scale < nano) {
      unscaled = divideUp(unscaled, nano - scale);
      scale = nano;
    }
    const one = pow10(-scale);
    if (unscaled > maxInt64 * one) unscaled = maxInt64 * one;
    return { unscaled: sign * unscaled, exponent: scale, format: unscaled > 0n && unscaled < one ? 'DecimalSI' : format };
  }

  const scale = exponent - fraction.length;
  if (digits.length <= safeDigits && scale >= nano) {
    const asWritten = scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0';
    return { unscaled: sign * BigInt(digits), exponent: scale, format, ...(asWritten ? { text } : {}) };
  }
  if (!/[0-9]/.test(text)) throw new QuantityError(wrongNumber);
  if (scale >= nano) return { unscaled: sign * BigInt(digits), exponent: scale, format };
  return { unscaled: sign * divideUp(BigInt(digits), nano - scale), exponent: nano, format };
}

/** The same few texts come again and again; quantities are immutable, so they can be shared. */
const cache = new Map<string, Quantity>();
const cacheLimit = 4096;

/** Reads a quantity as JSON carries it (a string, or a bare number). Throws {@link QuantityError}. */
export function parseQuantity(text: string | number): Quantity {
  const written = typeof text === 'number' ? String(text) : text;
  const known = cache.get(written);
  if (known) return known;
  const quantity = parse(written.trim());
  if (cache.size >= cacheLimit) cache.clear();
  cache.set(written, quantity);
  return quantity;
}

/** Whether {@link parseQuantity} would accept it. */
export function isQuantity(text: string | number): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}

/** An integer as a quantity. */
export const quantityOf = (value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity => ({ unscaled: BigInt(value), exponent: 0, format });

/** Thousandths as a quantity. */
export const milliQuantity = (milli: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity => ({ unscaled: BigInt(milli), exponent: -3, format });

const quantity = (like: QuantityLike): Quantity => (typeof like === 'object' ? like : parseQuantity(like));

function formatDecimal({ unscaled, exponent, format }: Quantity): string {
  let amount = unscaled;
  let power = exponent;
  const zeros = /0*$/.exec(amount.toString())![0].length;
  if (zeros > 0) {
    amount /= pow10(zeros);
    power += zeros;
  }
  while (power % 3 !== 0) {
    amount *= 10n;
    power--;
  }
  const suffix = format === 'DecimalExponent' ? undefined : decimalSuffixOf.get(power);
  return `${amount}${suffix ?? (power === 0 ? '' : `e${power}`)}`;
}

function formatBinary(whole: bigint): string {
  let amount = whole;
  let step = 0;
  while (step < binarySuffixOf.length - 1 && (amount & 1023n) === 0n) {
    amount >>= 10n;
    step++;
  }
  return `${amount}${binarySuffixOf[step]}`;
}

/** The canonical text: no fraction, the largest suffix that fits; binary only where it is exact and at least 1024. */
export function formatQuantity(of: Quantity): string {
  if (of.text !== undefined) return of.text;
  if (of.unscaled === 0n) return '0';
  if (of.format === 'BinarySI') {
    const whole = divideUpTo(of, 0);
    const exact = compareQuantities(of, { unscaled: whole, exponent: 0, format: of.format }) === 0;
    if (exact && absolute(whole) >= 1024n) return formatBinary(whole);
    return formatDecimal({ ...of, format: 'DecimalSI' });
  }
  return formatDecimal(of);
}

/** What a quantity is stored as, e.g. `1000m` → `1`, `1024Mi` → `1Gi`. Throws {@link QuantityError}. */
export const canonicalQuantity = (text: string | number): string => formatQuantity(parseQuantity(text));

/** The value in units of `10^exponent`, away from zero. */
function divideUpTo({ unscaled, exponent }: Quantity, to: number): bigint {
  return exponent >= to ? unscaled * pow10(exponent - to) : divideUp(unscaled, to - exponent);
}

const signOf = (value: bigint): number => (value > 0n ? 1 : value < 0n ? -1 : 0);

/** -1, 0 or 1 */
export const quantitySign = (of: QuantityLike): number => signOf(quantity(of).unscaled);

/** Negative when `a` is less than `b`, 0 when they are the same amount in whatever notation. */
export function compareQuantities(a: QuantityLike, b: QuantityLike): number {
  const left = quantity(a);
  const right = quantity(b);
  if (left.exponent === right.exponent) return signOf(left.unscaled - right.unscaled);
  const sign = signOf(left.unscaled);
  if (sign !== signOf(right.unscaled)) return sign > signOf(right.unscaled) ? 1 : -1;
  if (sign === 0) return 0;
  // Magnitudes first: exponents may lie billions of digits apart.
  const leftLength = absolute(left.unscaled).toString().length + left.exponent;
  const rightLength = absolute(right.unscaled).toString().length + right.exponent;
  if (leftLength !== rightLength) return leftLength > rightLength ? sign : -sign;
  const exponent = Math.min(left.exponent, right.exponent);
  return signOf(left.unscaled * pow10(left.exponent - exponent) - right.unscaled * pow10(right.exponent - exponent));
}

export const equalQuantities = (a: QuantityLike, b: QuantityLike): boolean => compareQuantities(a, b) === 0;

/** The sum, in the notation of `a` (of `b` when `a` is zero). */
export function addQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  const left = quantity(a);
  const right = quantity(b);
  const format = left.unscaled === 0n ? right.format : left.format;
  if (right.unscaled === 0n) return { unscaled: left.unscaled, exponent: left.exponent, format };
  if (left.unscaled === 0n) return { unscaled: right.unscaled, exponent: right.exponent, format };
  const exponent = Math.min(left.exponent, right.exponent);
  return { unscaled: left.unscaled * pow10(left.exponent - exponent) + right.unscaled * pow10(right.exponent - exponent), exponent, format };
}

export function negateQuantity(of: QuantityLike): Quantity {
  const { unscaled, exponent, format } = quantity(of);
  return { unscaled: -unscaled, exponent, format };
}

/** `a - b`, in the notation of `a` (of `b` when `a` is zero). */
export const subtractQuantities = (a: QuantityLike, b: QuantityLike): Quantity => addQuantities(a, negateQuantity(b));

function toNumber(of: QuantityLike, exponent: number): number {
  const it = quantity(of);
  // What an int64 cannot hold saturates; only a written exponent gets there.
  if (it.exponent - exponent > 400) return it.unscaled === 0n ? 0 : it.unscaled < 0n ? -Infinity : Infinity;
  return Number(divideUpTo(it, exponent));
}

/** The amount as an integer, rounded away from zero. */
export const value = (of: QuantityLike): number => toNumber(of, 0);
/** The amount in thousandths, rounded away from zero: `1.5` → 1500. */
export const milliValue = (of: QuantityLike): number => toNumber(of, -3);
/** The nearest floating-point number. */
export function approximateValue(of: QuantityLike): number {
  const it = quantity(of);
  return Number(`${it.unscaled}e${it.exponent}`);
}
