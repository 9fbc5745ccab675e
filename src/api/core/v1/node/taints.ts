import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { notSupportedInOrder, required } from '../../../../apimachinery/fieldpath.ts';

const effects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Of a taint, or of a toleration, where empty means every effect. */
export function validateTaintEffect(effect: string, allowEmpty: boolean, path: FieldPath): FieldError[] {
  if (!allowEmpty && effect === '') return [required(path)];
  return effects.includes(effect) ? [] : [notSupportedInOrder(path, effect, effects)];
}
