/** One requirement of a label selector. Source: apimachinery `labels.Requirement`. */

import type { FieldError } from './fieldpath.ts';
import { invalidValue, notSupported, path } from './fieldpath.ts';
import { validateLabelKey, validateLabelValue } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

const symbols: Partial<Record<LabelOperator, string>> = { '=': '=', '==': '==', '!=': '!=', in: ' in ', notin: ' notin ', gt: '>', lt: '<' };

const maxInt64 = (1n << 63n) - 1n;

/** A decimal int64; undefined when it is none. */
function int64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value > maxInt64 || value < -maxInt64 - 1n ? undefined : value;
}

function countError(operator: LabelOperator, values: readonly string[]): string | undefined {
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case '=':
    case '==':
    case '!=':
      return values.length === 1 ? undefined : 'exact-match compatibility requires one single value';
    case 'exists':
    case '!':
      return values.length === 0 ? undefined : 'values set must be empty for exists and does not exist';
    case 'gt':
    case 'lt':
      return values.length === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
  }
}

const known: readonly string[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt', 'exists', '!'];

/** A checked requirement. Throws an `Error` with the field errors, as upstream words them. */
export function newRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors: FieldError[] = [];
  const wrongKey = validateLabelKey(key);
  if (wrongKey.length > 0) errors.push(invalidValue('key', key, wrongKey.join('; ')));
  if (!known.includes(operator)) errors.push(notSupported('operator', operator, known));
  const wrongCount = countError(operator, values);
  if (wrongCount) errors.push(invalidValue('values', values, wrongCount));
  for (const [index, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && int64(value) === undefined) {
      errors.push(invalidValue(path('values').index(index), value, "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
    const wrong = validateLabelValue(value);
    if (wrong.length > 0) errors.push(invalidValue(path('values').index(index).key(key), value, wrong.join('; ')));
  }
  if (errors.length > 0) {
    const messages = [...new Set(errors.map((error) => error.message()))];
    throw new Error(messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`);
  }
  return { key, operator, values };
}

/** A requirement as it is written in a selector. */
export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  if (operator === 'exists') return key;
  if (operator === '!') return `!${key}`;
  const list = [...values].sort().join(',');
  return `${key}${symbols[operator]}${operator === 'in' || operator === 'notin' ? `(${list})` : list}`;
}

/** A requirement as a test on labels. */
export function compileRequirement({ key, operator, values }: LabelRequirement): (labels: Labels) => boolean {
  const has = (labels: Labels) => Object.hasOwn(labels, key);
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      if (values.length === 1) return (labels) => labels[key] === values[0] && has(labels);
      return (labels) => has(labels) && values.includes(labels[key]!);
    case '!=':
    case 'notin':
      return (labels) => !has(labels) || !values.includes(labels[key]!);
    case 'exists':
      return has;
    case '!':
      return (labels) => !has(labels);
    case 'gt':
    case 'lt': {
      const limit = int64(values[0]!)!;
      return (labels) => {
        const value = has(labels) ? int64(labels[key]!) : undefined;
        return value !== undefined && (operator === 'gt' ? value > limit : value < limit);
      };
    }
  }
}
