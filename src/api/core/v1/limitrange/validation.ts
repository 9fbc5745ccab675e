/** Validation of a limit range. Source of the rule: upstream's `core/validation`. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateQualifiedName } from '../../../../apimachinery/names.ts';
import { own } from '../../../../apimachinery/own.ts';
import { approximateValue, canonicalQuantity, compareQuantities } from '../../../../apimachinery/quantity.ts';
import { checked } from '../../../../apimachinery/validation/common.ts';
import { isOvercommitAllowed, validateContainerResourceName, validateResourceName } from '../resourcenames.ts';
import type { LimitRange, LimitRangeItem } from '../types.gen.ts';

const types: readonly string[] = ['Pod', 'Container', 'PersistentVolumeClaim'];
const bounds = ['max', 'min'] as const;
const defaults = ['default', 'defaultRequest'] as const;

function validateType(type: string, at: FieldPath): FieldError[] {
  const errors = checked(type, at, validateQualifiedName(type));
  if (errors.length > 0 || type.includes('/') || types.includes(type)) return errors;
  return [invalidValue(at, type, 'must be a standard limit type or fully qualified')];
}

interface Pair {
  /** Where the error is said to be, and what it shows. */
  field: keyof LimitRangeItem & string;
  shown: keyof LimitRangeItem & string;
  low: (typeof bounds)[number] | (typeof defaults)[number];
  high: (typeof bounds)[number] | (typeof defaults)[number];
  message: (low: string, high: string) => string;
}

/** What may not exceed what. */
const order: readonly Pair[] = [
  { field: 'min', shown: 'min', low: 'min', high: 'max', message: (a, b) => `min value ${a} is greater than max value ${b}` },
  {
    field: 'defaultRequest',
    shown: 'defaultRequest',
    low: 'min',
    high: 'defaultRequest',
    message: (a, b) => `min value ${a} is greater than default request value ${b}`,
  },
  {
    field: 'defaultRequest',
    shown: 'defaultRequest',
    low: 'defaultRequest',
    high: 'max',
    message: (a, b) => `default request value ${a} is greater than max value ${b}`,
  },
  {
    field: 'defaultRequest',
    shown: 'defaultRequest',
    low: 'defaultRequest',
    high: 'default',
    message: (a, b) => `default request value ${a} is greater than default limit value ${b}`,
  },
  { field: 'default', shown: 'min', low: 'min', high: 'default', message: (a, b) => `min value ${a} is greater than default value ${b}` },
  { field: 'default', shown: 'max', low: 'default', high: 'max', message: (a, b) => `default value ${a} is greater than max value ${b}` },
];

type Amounts = Readonly<Record<string, string | number>> | undefined;
const amountOf = (item: LimitRangeItem, field: string, name: string): string | number | undefined => own(item[field as keyof LimitRangeItem] as Amounts, name);

function validateRatio(item: LimitRangeItem, name: string, at: FieldPath): FieldError[] {
  const ratio = own(item.maxLimitRequestRatio, name);
  if (ratio === undefined) return [];
  const field = at.child('maxLimitRequestRatio').key(name);
  const text = canonicalQuantity(ratio);
  const errors = compareQuantities(ratio, '1') < 0 ? [invalidValue(field, text, `ratio ${text} is less than 1`)] : [];
  const [min, max] = [own(item.min, name), own(item.max, name)];
  if (min === undefined || max === undefined) return errors;
  const most = approximateValue(max) / approximateValue(min);
  if (approximateValue(ratio) > most) errors.push(invalidValue(field, text, `ratio ${text} is greater than max/min = ${most.toFixed(6)}`));
  return errors;
}

function validateAmounts(item: LimitRangeItem, name: string, at: FieldPath): FieldError[] {
  const usable = (field: string): boolean => item.type !== 'Pod' || !(defaults as readonly string[]).includes(field);
  const errors = order.flatMap(({ field, shown, low, high, message }) => {
    const [less, more] = [amountOf(item, low, name), amountOf(item, high, name)];
    if (less === undefined || more === undefined || !usable(low) || !usable(high) || compareQuantities(less, more) <= 0) return [];
    const amount = canonicalQuantity(amountOf(item, shown, name)!);
    return invalidValue(at.child(field).key(name), amount, message(canonicalQuantity(less), canonicalQuantity(more)));
  });
  errors.push(...validateRatio(item, name, at));
  const [limit, request] = [own(item.default, name), own(item.defaultRequest, name)];
  if (item.type === 'Pod' || isOvercommitAllowed(name) || limit === undefined || request === undefined || compareQuantities(limit, request) === 0)
    return errors;
  const [a, b] = [canonicalQuantity(limit), canonicalQuantity(request)];
  errors.push(invalidValue(at.child('defaultRequest').key(name), b, `default value ${a} must equal to defaultRequest value ${b} in ${name}`));
  return errors;
}

function validateItem(item: LimitRangeItem, at: FieldPath): FieldError[] {
  const isPod = item.type === 'Pod';
  const validateName = isPod || item.type === 'Container' ? validateContainerResourceName : validateResourceName;
  const names = (fields: readonly (keyof LimitRangeItem & string)[]): FieldError[] =>
    fields.flatMap((field) => Object.keys((item[field] as Amounts) ?? {}).flatMap((name) => validateName(name, at.child(field).key(name))));
  const errors = names(bounds);
  if (!isPod) errors.push(...names(defaults));
  else {
    const given = defaults.filter((field) => Object.keys(item[field] ?? {}).length > 0);
    errors.push(...given.map((field) => forbiddenField(at.child(field), "may not be specified when `type` is 'Pod'")));
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    errors.push(required(at.child('limits'), 'either minimum or maximum storage value is required, but neither was provided'));
  }
  errors.push(...names(['maxLimitRequestRatio']));
  const all = new Set(
    [...bounds, ...(isPod ? [] : defaults), 'maxLimitRequestRatio'].flatMap((field) => Object.keys((item[field as keyof LimitRangeItem] as Amounts) ?? {})),
  );
  return [...errors, ...[...all].sort().flatMap((name) => validateAmounts(item, name, at))];
}

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const seen = new Set<string>();
  return (spec?.limits ?? []).flatMap((item, index) => {
    const at = path('spec', 'limits').index(index);
    const type = item.type ?? '';
    const errors = validateType(type, at.child('type'));
    if (seen.has(type)) errors.push(duplicate(at.child('type'), type));
    seen.add(type);
    return [...errors, ...validateItem(item, at)];
  });
}
