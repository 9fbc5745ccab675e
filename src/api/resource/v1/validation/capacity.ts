/** How a device's capacity may be shared out. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, required } from '../../../../apimachinery/fieldpath.ts';
import { addQuantities, canonicalQuantity, compareQuantities, formatQuantity, value } from '../../../../apimachinery/quantity.ts';
import type { CapacityRequestPolicyRange, DeviceCapacity } from '../types.gen.ts';
import { validateSet } from './collections.ts';

type Amount = string | number;

const maxOptions = 10;

function validateOptions(standard: Amount, capacity: Amount, options: readonly Amount[], at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, option] of options.entries()) {
    const before = options[index - 1];
    if (before !== undefined && compareQuantities(before, option) > 0) {
      errors.push(invalidValue(at.index(index), canonicalQuantity(option), 'values must be sorted in ascending order'));
    }
  }
  const fits = (option: Amount, optionAt: FieldPath): FieldError[] =>
    compareQuantities(option, capacity) > 0
      ? [invalidValue(optionAt, canonicalQuantity(option), `option is larger than capacity value: ${canonicalQuantity(capacity)}`)]
      : [];
  errors.push(...validateSet(options, maxOptions, fits, (option) => String(value(option)), at));
  if (!options.some((option) => compareQuantities(option, standard) === 0)) {
    errors.push(invalidValue(at, canonicalQuantity(standard), 'default value is not valid according to the requestPolicy'));
  }
  return errors;
}

function validateStep(amount: Amount, min: Amount, step: Amount, at: FieldPath): FieldError[] {
  if ((value(amount) - value(min)) % value(step) === 0) return [];
  const rule = `value is not a multiple of a given step (${canonicalQuantity(step)}) from (${canonicalQuantity(min)})`;
  return [invalidValue(at, canonicalQuantity(amount), rule)];
}

function validateRange(standard: Amount, capacity: Amount, { min, max, step }: CapacityRequestPolicyRange, at: FieldPath): FieldError[] {
  const minAt = at.child('min');
  if (min === undefined) return [required(minAt, 'required when validRange is defined')];
  const errors: FieldError[] = [];
  const ordered = (lower: Amount, upper: Amount, shown: Amount, where: FieldPath, rule: string, than: Amount): void => {
    if (compareQuantities(lower, upper) > 0) errors.push(invalidValue(where, canonicalQuantity(shown), `${rule}: ${canonicalQuantity(than)}`));
  };
  ordered(min, capacity, min, minAt, 'min is larger than capacity value', capacity);
  ordered(min, standard, standard, minAt, 'default is less than min', min);
  if (max !== undefined) {
    const maxAt = at.child('max');
    ordered(min, max, min, maxAt, 'min is larger than max', max);
    ordered(max, capacity, max, maxAt, 'max is larger than capacity value', capacity);
    ordered(standard, max, standard, maxAt, 'default is more than max', max);
  }
  if (step === undefined) return errors;
  const stepAt = at.child('step');
  const first = formatQuantity(addQuantities(min, step));
  ordered(first, capacity, step, stepAt, `one step ${first} is larger than capacity value`, capacity);
  errors.push(...validateStep(standard, min, step, stepAt));
  if (max !== undefined) errors.push(...validateStep(max, min, step, stepAt));
  return errors;
}

/** `shared` is whether several claims may have parts of the device. */
export function validateCapacity({ value: capacity, requestPolicy: policy }: DeviceCapacity, shared: boolean, at: FieldPath): FieldError[] {
  if (!policy) return [];
  const policyAt = at.child('requestPolicy');
  if (!shared) return [forbiddenField(policyAt, 'allowMultipleAllocations must be true')];
  const { default: standard, validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange) {
    return [forbiddenField(policyAt, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time')];
  }
  if (validValues.length > 0) {
    if (standard === undefined) return [required(policyAt.child('default'), 'required when validValues is defined')];
    return validateOptions(standard, capacity, validValues, policyAt.child('validValues'));
  }
  if (!validRange) return [];
  if (standard === undefined) return [required(policyAt.child('default'), 'required when validRange is defined')];
  return validateRange(standard, capacity, validRange, policyAt.child('validRange'));
}
