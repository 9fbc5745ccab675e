import type { FieldPath } from '../../../apimachinery/fieldpath.ts';
import { quote } from '../../../apimachinery/fieldpath.ts';
import { canonicalQuantity, milliValue } from '../../../apimachinery/quantity.ts';

/** Half a byte is accepted, but means nothing. */
export const fractionWarning = (amount: string | number | undefined, path: FieldPath): string[] =>
  amount === undefined || milliValue(amount) % 1000 === 0
    ? []
    : [`${path}: fractional byte value ${quote(canonicalQuantity(amount))} is invalid, must be an integer`];
