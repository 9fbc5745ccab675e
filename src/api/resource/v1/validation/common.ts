/** What claims, classes and slices share: selectors, drivers' parameters, taints and tolerations, conditions for binding. */
import { type CelEnvironment, createCelEnvironment } from '../../../../apimachinery/cel/environment.ts';
import { CelCompileError, compileErrorText, syntaxOf } from '../../../../apimachinery/cel/program.ts';
import { unknownField } from '../../../../apimachinery/cel/wording.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, notSupported, notSupportedInOrder, required, tooLong } from '../../../../apimachinery/fieldpath.ts';
import { validateLabelValue } from '../../../../apimachinery/names.ts';
import { checked, validateLabelName } from '../../../../apimachinery/validation/common.ts';
import type { DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from '../types.gen.ts';
import { validateList } from './collections.ts';
import { validateDriverName } from './names.ts';

const maxExpression = 10 * 1024;
const maxParameters = 10 * 1024;
const maxSelectors = 32;
const maxConditions = 4;

let environment: CelEnvironment | undefined;
const device = { device: { driver: true, attributes: true, capacity: true, allowMultipleAllocations: true } } as const;

function validateSelector({ cel }: DeviceSelector, at: FieldPath): FieldError[] {
  if (!cel) return [required(at.child('cel'))];
  const { expression = '' } = cel;
  const expressionAt = at.child('cel', 'expression');
  if (Buffer.byteLength(expression) > maxExpression) return [tooLong(expressionAt, maxExpression)];
  environment ??= createCelEnvironment({ device: 'dyn' });
  try {
    const unknown = unknownField(syntaxOf(environment, expression, ['bool']), device);
    return unknown ? [invalidValue(expressionAt, expression, compileErrorText(expression, unknown.position, `undefined field '${unknown.name}'`))] : [];
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    const detail = error.message.replace(/^must evaluate to bool but got (.*)$/, 'must evaluate to bool or the unknown type, not $1');
    return [invalidValue(expressionAt, expression, detail)];
  }
}

export const validateSelectors = (selectors: readonly DeviceSelector[] | undefined, at: FieldPath): FieldError[] =>
  validateList(selectors, maxSelectors, validateSelector, at);

/** JSON that nobody but a driver reads: an object. */
export function validateRaw(raw: unknown, limit: number, at: FieldPath): FieldError[] {
  if (raw === undefined || raw === null) return [required(at)];
  if (Buffer.byteLength(JSON.stringify(raw)) > limit) return [tooLong(at, limit)];
  return typeof raw === 'object' && !Array.isArray(raw) ? [] : [invalidValue(at, '<value omitted>', 'must be a valid JSON object')];
}

/** Parameters for a driver. */
export function validateConfiguration({ opaque }: { opaque?: OpaqueDeviceConfiguration }, at: FieldPath): FieldError[] {
  const opaqueAt = at.child('opaque');
  if (!opaque) return [required(opaqueAt)];
  return [...validateDriverName(opaque.driver, opaqueAt.child('driver')), ...validateRaw(opaque.parameters, maxParameters, opaqueAt.child('parameters'))];
}

const effects = ['NoExecute', 'NoSchedule', 'None'];

export function validateTaint({ key = '', value, effect }: DeviceTaint, at: FieldPath): FieldError[] {
  const errors = validateLabelName(key, at.child('key'));
  if (value) errors.push(...checked(value, at.child('value'), validateLabelValue(value)));
  if (!effect) errors.push(required(at.child('effect')));
  else if (!effects.includes(effect)) errors.push(notSupported(at.child('effect'), effect, effects));
  return errors;
}

export function validateToleration({ key, operator, value = '', effect }: DeviceToleration, at: FieldPath): FieldError[] {
  const errors = key ? validateLabelName(key, at.child('key')) : [];
  const valueAt = at.child('value');
  if (operator === 'Exists') {
    if (value !== '') errors.push(invalidValue(valueAt, value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') errors.push(...checked(value, valueAt, validateLabelValue(value)));
  else if (!operator) errors.push(required(at.child('operator')));
  else errors.push(notSupportedInOrder(at.child('operator'), operator, ['Equal', 'Exists']));
  if (effect && !effects.includes(effect)) errors.push(notSupported(at.child('effect'), effect, effects));
  return errors;
}

interface Binding {
  bindingConditions?: string[];
  bindingFailureConditions?: string[];
}

/** What a device must report before a pod is bound that uses it. */
export function validateBinding({ bindingConditions = [], bindingFailureConditions = [] }: Binding, at: FieldPath): FieldError[] {
  const boundAt = at.child('bindingConditions');
  const failedAt = at.child('bindingFailureConditions');
  const errors = [
    ...validateList(bindingConditions, maxConditions, validateLabelName, boundAt),
    ...validateList(bindingFailureConditions, maxConditions, validateLabelName, failedAt),
  ];
  for (const [index, condition] of bindingConditions.entries()) {
    if (bindingConditions.indexOf(condition) < index) errors.push(duplicate(boundAt.index(index), condition));
  }
  for (const [index, condition] of bindingFailureConditions.entries()) {
    if (bindingFailureConditions.indexOf(condition) < index) errors.push(duplicate(failedAt.index(index), condition));
    if (bindingConditions.includes(condition)) {
      errors.push(invalidValue(failedAt.index(index), condition, 'bindingFailureConditions must not overlap with bindingConditions'));
    }
  }
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0) {
    errors.push(invalidValue(boundAt, bindingConditions, 'bindingConditions are required to use bindingFailureConditions'));
  }
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0) {
    errors.push(invalidValue(failedAt, bindingFailureConditions, 'bindingFailureConditions are required to use bindingConditions'));
  }
  return errors;
}
