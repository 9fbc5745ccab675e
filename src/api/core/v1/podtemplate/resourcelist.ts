/** Defaults of resource lists. */
import { formatQuantity, milliQuantity, milliValue, parseQuantity } from '../../../../apimachinery/quantity.ts';

/** Amounts finer than a thousandth are rounded up. */
export function setResourceListDefaults(list: Record<string, string | number> | undefined): void {
  for (const name in list) {
    const amount = parseQuantity(list[name]!);
    if (amount.exponent >= -3) continue;
    list[name] = formatQuantity(milliQuantity(milliValue(amount), amount.format));
  }
}

interface Requirements {
  limits?: Record<string, string | number>;
  requests?: Record<string, string | number>;
}

export function setResourceRequirementsDefaults(resources: Requirements | undefined): void {
  setResourceListDefaults(resources?.limits);
  setResourceListDefaults(resources?.requests);
}
