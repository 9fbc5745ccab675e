/** Resource quantities: `quantity("1Gi").isGreaterThan(quantity("500M"))`. */
import {
  addQuantities,
  approximateValue,
  compareQuantities,
  isQuantity,
  parseQuantity,
  type Quantity,
  quantityOf,
  quantitySign,
  subtractQuantities,
} from '../../quantity.ts';
import { define, type Library } from './register.ts';

export class CelQuantity {
  readonly value: Quantity;

  constructor(value: Quantity) {
    this.value = value;
  }

  compareTo(other: unknown): number {
    return other instanceof CelQuantity ? compareQuantities(this.value, other.value) : 1;
  }
}

const maxInt = 2n ** 63n;

/** Undefined when it has a fraction, or does not fit. */
function integerOf({ value: { unscaled, exponent } }: CelQuantity): bigint | undefined {
  const divisor = exponent < 0 ? 10n ** BigInt(-exponent) : 1n;
  if (exponent > 40 || unscaled % divisor !== 0n) return undefined;
  const integer = exponent < 0 ? unscaled / divisor : unscaled * 10n ** BigInt(exponent);
  return integer >= -maxInt && integer < maxInt ? integer : undefined;
}

const type = 'kubernetes.Quantity';

export const quantities: Library = (environment) => {
  environment.registerType(type, CelQuantity);
  define(environment, `quantity(string): ${type}`, (text: string) => new CelQuantity(parseQuantity(text)));
  define(environment, 'isQuantity(string): bool', (text: string) => isQuantity(text));
  define(environment, `${type}.sign(): int`, ({ value }: CelQuantity) => BigInt(quantitySign(value)));
  define(environment, `${type}.isInteger(): bool`, (quantity: CelQuantity) => integerOf(quantity) !== undefined);
  define(environment, `${type}.asInteger(): int`, (quantity: CelQuantity) => {
    const integer = integerOf(quantity);
    if (integer === undefined) throw new Error('cannot convert value to integer');
    return integer;
  });
  define(environment, `${type}.asApproximateFloat(): double`, ({ value }: CelQuantity) => approximateValue(value));
  define(environment, `${type}.add(${type}): ${type}`, (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.value, b.value)));
  define(environment, `${type}.add(int): ${type}`, (a: CelQuantity, b: bigint) => new CelQuantity(addQuantities(a.value, quantityOf(b))));
  define(environment, `${type}.sub(${type}): ${type}`, (a: CelQuantity, b: CelQuantity) => new CelQuantity(subtractQuantities(a.value, b.value)));
  define(environment, `${type}.sub(int): ${type}`, (a: CelQuantity, b: bigint) => new CelQuantity(subtractQuantities(a.value, quantityOf(b))));
  define(environment, `${type}.isLessThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => a.compareTo(b) < 0);
  define(environment, `${type}.isGreaterThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => a.compareTo(b) > 0);
  define(environment, `${type}.compareTo(${type}): int`, (a: CelQuantity, b: CelQuantity) => BigInt(a.compareTo(b)));
  environment.registerOperator(`${type} == ${type}`, (a: CelQuantity, b: CelQuantity) => a.compareTo(b) === 0);
};
