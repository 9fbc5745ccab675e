/** How much of a device that several may share one request takes (KEP-5075). Pure. */
import type { CapacityRequestPolicy, CapacityRequirements, Device, DeviceCapacity } from '../../api/resource/v1/types.gen.ts';
import { formatQuantity, quantityOf, value } from '../../apimachinery/quantity.ts';

/** Amounts by the name of the capacity. */
export type Amounts = ReadonlyMap<string, number>;

function roundedUp(wanted: number, { validRange, validValues }: CapacityRequestPolicy): number {
  if (validRange) {
    const min = value(validRange.min);
    if (wanted < min) return min;
    if (validRange.step === undefined) return wanted;
    const step = value(validRange.step);
    return min + Math.ceil((wanted - min) / step) * step;
  }
  return validValues?.map(value).find((one) => wanted <= one) ?? wanted;
}

function violates(amount: number, { default: fallback, validRange, validValues }: CapacityRequestPolicy): boolean {
  if (fallback !== undefined && amount === value(fallback)) return false;
  if (validRange) {
    if (validRange.max !== undefined && amount > value(validRange.max)) return true;
    return validRange.step !== undefined && (amount - value(validRange.min)) % value(validRange.step) !== 0;
  }
  return validValues !== undefined && validValues.length > 0 && !validValues.some((one) => value(one) === amount);
}

function amountOf({ value: total, requestPolicy }: DeviceCapacity, wanted: string | number | undefined): number {
  if (wanted === undefined) return value(requestPolicy?.default ?? total);
  return requestPolicy ? roundedUp(value(wanted), requestPolicy) : value(wanted);
}

/** What the request takes beside what is used; undefined when there is not as much, or the device does not part with such an amount. */
export function capacityFor({ capacity = {} }: Device, { requests = {} }: CapacityRequirements, used: Amounts | undefined): Amounts | undefined {
  if (Object.keys(requests).some((name) => !Object.hasOwn(capacity, name))) return undefined;
  const amounts = new Map<string, number>();
  for (const [name, one] of Object.entries(capacity)) {
    const amount = amountOf(one, requests[name]);
    if (one.requestPolicy && violates(amount, one.requestPolicy)) return undefined;
    if ((used?.get(name) ?? 0) + amount > value(one.value)) return undefined;
    amounts.set(name, amount);
  }
  return amounts;
}

export function addAmounts(total: Map<string, number>, more: Amounts, sign: 1 | -1): void {
  for (const [name, amount] of more) total.set(name, (total.get(name) ?? 0) + sign * amount);
}

export const formatAmounts = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(quantityOf(amount, 'BinarySI'))]));
