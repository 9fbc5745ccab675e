/** Failure and success policies of a Job. Source of the rules: `pkg/apis/batch/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidUnshown, invalidValue, notSupported, quote, required, tooLong, tooMany } from '../../../../apimachinery/fieldpath.ts';
import { validateNonNegative, validateQualifiedNameField } from '../../../../apimachinery/validation/common.ts';
import { internalValue } from '../../../internalvalue.ts';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../types.gen.ts';
import { countIndexes, indexesError, parseIndexes } from './indexes.ts';

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const maxIndexesBytes = 64 * 1024;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const statuses = ['False', 'True', 'Unknown'];

const valid = (values: readonly string[]): string => `valid values: [${values.map(quote).join(' ')}]`;

function validateChoice(value: string | undefined, values: readonly string[], at: FieldPath): FieldError[] {
  if (!value) return [required(at, valid(values))];
  return values.includes(value) ? [] : [notSupported(at, value, values)];
}

function validateExitCodes(rule: PodFailurePolicyOnExitCodesRequirement, names: ReadonlySet<string>, at: FieldPath): FieldError[] {
  const { operator, containerName, values = [] } = rule;
  const errors = validateChoice(operator, operators, at.child('operator'));
  if (containerName !== undefined && !names.has(containerName)) {
    errors.push(invalidValue(at.child('containerName'), containerName, 'must be one of the container or initContainer names in the pod template'));
  }
  const valuesAt = at.child('values');
  if (values.length === 0) errors.push(invalidValue(valuesAt, null, 'at least one value is required'));
  else if (values.length > maxExitCodes) errors.push(tooMany(valuesAt, values.length, maxExitCodes));
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) errors.push(invalidValue(valuesAt.index(index), value, 'must not be 0 for the In operator'));
    if (seen.has(value)) errors.push(duplicate(valuesAt.index(index), value));
    seen.add(value);
  }
  if (values.some((value, index) => index > 0 && (values[index - 1] as number) > value)) errors.push(invalidValue(valuesAt, values, 'must be ordered'));
  return errors;
}

function validateConditions(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], at: FieldPath): FieldError[] {
  const errors = patterns.length > maxPatterns ? [tooMany(at, patterns.length, maxPatterns)] : [];
  for (const [index, { type, status }] of patterns.entries()) {
    errors.push(...validateQualifiedNameField(type, at.index(index).child('type')), ...validateChoice(status, statuses, at.index(index).child('status')));
  }
  return errors;
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (rule.action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) errors.push(invalidValue(at.child('action'), rule.action, 'requires the backoffLimitPerIndex to be set'));
  } else errors.push(...validateChoice(rule.action, actions, at.child('action')));
  const conditions = rule.onPodConditions ?? [];
  if (rule.onExitCodes) errors.push(...validateExitCodes(rule.onExitCodes, names, at.child('onExitCodes')));
  if (conditions.length > 0) errors.push(...validateConditions(conditions, at.child('onPodConditions')));
  if (rule.onExitCodes && conditions.length > 0) errors.push(invalidUnshown(at, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (!rule.onExitCodes && conditions.length === 0) errors.push(invalidUnshown(at, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

export function validateFailurePolicy(spec: JobSpec, at: FieldPath): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const { containers = [], initContainers = [] } = spec.template.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  const errors = rules.length > maxRules ? [tooMany(at.child('rules'), rules.length, maxRules)] : [];
  return [...errors, ...rules.flatMap((rule, index) => validateFailureRule(rule, spec, names, at.child('rules').index(index)))];
}

function validateSuccessRule({ succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (succeededCount === undefined && succeededIndexes === undefined) {
    errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let total = 0;
  if (succeededIndexes !== undefined) {
    const indexesAt = at.child('succeededIndexes');
    if (succeededIndexes.length > maxIndexesBytes) errors.push(tooLong(indexesAt, maxIndexesBytes));
    const wrong = indexesError(succeededIndexes, completions);
    if (wrong === undefined) total = countIndexes(parseIndexes(succeededIndexes, completions));
    else errors.push(invalidValue(indexesAt, succeededIndexes, `error parsing succeededIndexes: ${wrong}`));
  }
  if (succeededCount === undefined) return errors;
  const countAt = at.child('succeededCount');
  errors.push(...validateNonNegative(succeededCount, countAt));
  if (succeededCount > completions) {
    errors.push(invalidValue(countAt, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`));
  }
  if (succeededIndexes !== undefined && succeededCount > total) {
    errors.push(
      invalidValue(countAt, succeededCount, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`),
    );
  }
  return errors;
}

export function validateSuccessPolicy({ successPolicy, completionMode, completions = 0 }: JobSpec, at: FieldPath): FieldError[] {
  if (!successPolicy) return [];
  if (completionMode !== 'Indexed')
    return [invalidValue(at, internalValue('io.k8s.api.batch.v1.SuccessPolicy', successPolicy), 'requires indexed completion mode')];
  const rules = successPolicy.rules ?? [];
  const rulesAt = at.child('rules');
  const errors: FieldError[] = [];
  if (rules.length === 0) errors.push(required(rulesAt, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > maxRules) errors.push(tooMany(rulesAt, rules.length, maxRules));
  return [...errors, ...rules.flatMap((rule, index) => validateSuccessRule(rule, completions, rulesAt.index(index)))];
}
