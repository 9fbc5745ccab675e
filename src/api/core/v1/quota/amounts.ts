/** Arithmetic on resource lists, as quotas need it. */

import { own } from '../../../../apimachinery/own.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  type Quantity,
  quantityOf,
  quantitySign,
  subtractQuantities,
} from '../../../../apimachinery/quantity.ts';
import { type Quantities, quantitiesOf } from '../pod/resources.ts';

export { type Quantities, quantitiesOf };

export const one: Quantity = quantityOf(1);
export const none: Quantity = quantityOf(0);

type Names = Iterable<string>;

export const only = (amounts: Quantities, names: Names): Quantities =>
  Object.fromEntries([...names].flatMap((name) => (Object.hasOwn(amounts, name) ? [[name, amounts[name]!]] : [])));

export function sum(a: Quantities, b: Quantities): Quantities {
  const total = { ...a };
  for (const name in b) total[name] = addQuantities(own(total, name) ?? none, b[name]!);
  return total;
}

/** Never less than nothing; what only `b` has counts as zero. */
export function difference(a: Quantities, b: Quantities): Quantities {
  const rest: Quantities = {};
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const amount = subtractQuantities(own(a, name) ?? none, own(b, name) ?? none);
    rest[name] = quantitySign(amount) < 0 ? none : amount;
  }
  return rest;
}

export const withoutZeros = (amounts: Quantities): Quantities => Object.fromEntries(Object.entries(amounts).filter(([, amount]) => quantitySign(amount) !== 0));
export const negativeNames = (amounts: Quantities): string[] => Object.keys(amounts).filter((name) => quantitySign(amounts[name] ?? none) < 0);
/** The names of which there is more in `amounts` than in `limits`, where those say something. */
export const exceeding = (amounts: Quantities, limits: Quantities): string[] =>
  Object.keys(amounts).filter((name) => Object.hasOwn(limits, name) && compareQuantities(amounts[name]!, limits[name]!) > 0);

export function sameAmounts(a: Quantities, b: Quantities): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && compareQuantities(a[name]!, b[name]!) === 0);
}

/** As an object carries it. */
export const listOf = (amounts: Quantities): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatQuantity(amount)]));

/** As messages show it: `cpu=1,pods=2`. */
export const shownAmounts = (amounts: Quantities): string =>
  Object.keys(amounts)
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts[name] ?? none)}`)
    .join(',');
