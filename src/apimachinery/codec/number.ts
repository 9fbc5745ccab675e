/**
 * Integers that a JavaScript number can't hold exactly: kept as text, which `JSON.stringify` writes digit by digit.
 * They are rare (an int64 beyond 2^53), so everything else stays a plain number.
 */

const json = JSON as unknown as { rawJSON(text: string): object };

/** Compares and calculates as the number next to it. */
export class RawNumber {
  readonly rawJSON: string;

  constructor(text: string) {
    this.rawJSON = text;
  }

  toJSON(): object {
    return json.rawJSON(this.rawJSON);
  }

  valueOf(): number {
    return Number(this.rawJSON);
  }

  toString(): string {
    return this.rawJSON;
  }
}

export const isRawNumber = (value: unknown): value is RawNumber => value instanceof RawNumber;

/** An int64 as a number where that is exact, else as a raw number. */
export const integerOf = (value: bigint): number | RawNumber =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : new RawNumber(value.toString());

/** The inverse of {@link integerOf}. */
export const bigintOf = (value: number | RawNumber): bigint => (typeof value === 'number' ? BigInt(Math.trunc(value)) : BigInt(value.rawJSON));

/** A number of a JSON text, exact when it is an integer that fits no double. */
export function exactNumber(value: number, source: string): number | RawNumber {
  return Number.isSafeInteger(value) || !Number.isInteger(value) || !/^-?\d+$/.test(source) ? value : new RawNumber(source);
}
