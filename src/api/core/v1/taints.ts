/** Taints and the tolerations that pods have for them. Source of the rule: API reference, `Toleration`. */
import type { Taint, Toleration } from './types.gen.ts';

/** Empty key tolerates every key, empty effect every effect. `Gt` and `Lt` are off by default in 1.36 and tolerate nothing. */
export function tolerates({ key = '', operator = '', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

export const isTolerated = (taint: Taint, tolerations: readonly Toleration[] | undefined): boolean => (tolerations ?? []).some((one) => tolerates(one, taint));

/** The first taint of one of `effects` that no toleration covers. */
export const findUntoleratedTaint = (
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined => taints?.find((taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations));

/** Effects that keep a new pod away. */
export const schedulingEffects: readonly string[] = ['NoSchedule', 'NoExecute'];
