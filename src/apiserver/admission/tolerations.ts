import type { Toleration } from '../../api/core/v1/types.gen.ts';
import { deepEqual } from '../../apimachinery/equality.ts';

/** Whether `wide` tolerates all that `narrow` tolerates. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (deepEqual(wide, narrow)) return true;
  const anyKey = !wide.key && wide.operator === 'Exists';
  if (!anyKey && (wide.key ?? '') !== (narrow.key ?? '')) return false;
  if (wide.effect && wide.effect !== narrow.effect) return false;
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds) return false;
  }
  if (wide.operator === 'Exists') return true;
  return (!wide.operator || wide.operator === 'Equal') && narrow.operator === 'Equal' && (wide.value ?? '') === (narrow.value ?? '');
}

/** Both lists as one, without what another entry covers; of equal entries the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  all.forEach((one, index) => {
    const redundant = merged.some((other) => covers(other, one)) || all.slice(index + 1).some((other) => !deepEqual(one, other) && covers(other, one));
    if (!redundant) merged.push(one);
  });
  return merged;
}
