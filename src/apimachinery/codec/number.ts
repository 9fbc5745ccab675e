/**
 * Integers that a JavaScript number can't hold exactly: kept as `JSON.rawJSON`, which `JSON.stringify` writes digit by digit.
 * They are rare (an int64 beyond 2^53), so everything else stays a plain number.
 */

/** What `JSON.rawJSON` makes: a frozen object with the text. */
export interface RawNumber {
  readonly rawJSON: string;
}

const json = JSON as unknown as { rawJSON(text: string): RawNumber; isRawJSON(value: unknown): boolean };

export const isRawNumber = (value: unknown): value is RawNumber => typeof value === 'object' && value !== null && json.isRawJSON(value);

/** An int64 as a number where that is exact, else as a raw number. */
export const integerOf = (value: bigint): number | RawNumber =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : json.rawJSON(value.toString());

/** The inverse of {@link integerOf}. */
export const bigintOf = (value: number | RawNumber): bigint => (typeof value === 'number' ? BigInt(Math.trunc(value)) : BigInt(value.rawJSON));

/** A number of a JSON text, exact when it is an integer that fits no double. */
export function exactNumber(value: number, source: string): number | RawNumber {
  return Number.isSafeInteger(value) || !Number.isInteger(value) || !/^-?\d+$/.test(source) ? value : json.rawJSON(source);
}
