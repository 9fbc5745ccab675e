/** What the kinds that run pods from a template share: rules of selectors, templates, rollouts and status counts. */
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../apimachinery/fieldpath.ts';
import type { LabelSelector } from '../../../apimachinery/meta.ts';
import { validateDnsLabel, validatePercent } from '../../../apimachinery/names.ts';
import type { LabelMatcher } from '../../../apimachinery/selectors.ts';
import { labelSelectorMatcher, validateLabelSelector } from '../../../apimachinery/selectors.ts';
import { validateNonNegative } from '../../../apimachinery/validation/common.ts';
import type { PodTemplateSpec } from '../../core/v1/types.gen.ts';
import { selectorValue } from '../../internalvalue.ts';

export const isEmptySelector = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;

/** The compiled selector; undefined when it can't be understood. */
export function matcherOrUndefined(selector: LabelSelector | undefined): LabelMatcher | undefined {
  try {
    return labelSelectorMatcher(selector);
  } catch {
    return undefined;
  }
}

/** A selector that must be there and choose something. `kind` is as upstream's message says it. */
export function validateWorkloadSelector(selector: LabelSelector | undefined, kind: string, at: FieldPath): FieldError[] {
  if (!selector) return [required(at)];
  const errors = validateLabelSelector(selector, {}, at);
  if (isEmptySelector(selector)) errors.push(invalidValue(at, selectorValue(selector), `empty selector is invalid for ${kind}`));
  return errors;
}

/** Pods made from the template must be found by the selector. */
export function validateTemplateLabels(template: PodTemplateSpec, matcher: LabelMatcher, at: FieldPath): FieldError[] {
  if (matcher.empty || matcher.matches(template.metadata?.labels ?? {})) return [];
  return [invalidValue(at.child('metadata', 'labels'), template.metadata?.labels, '`selector` does not match template `labels`')];
}

/** Pods of a workload that runs for good are restarted always, and have no deadline. */
export function validateLongRunning(template: PodTemplateSpec, kind: string, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') errors.push(notSupported(at.child('spec', 'restartPolicy'), restartPolicy ?? '', ['Always']));
  if (activeDeadlineSeconds !== undefined) {
    errors.push(forbiddenField(at.child('spec', 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${kind} is not Supported`));
  }
  return errors;
}

/** A number or a percentage as a number; anything else counts as zero. */
export function rolloutValue(value: number | string | undefined): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  if (validatePercent(value).length === 0) return Number(value.slice(0, -1));
  return /^[+-]?\d+$/.test(value) ? Number(value) : 0;
}

/** None of these fields of a status may be negative. */
export function validateCounts<S extends object>(status: S, fields: readonly (keyof S & string)[]): FieldError[] {
  return fields.flatMap((field) => validateNonNegative(status[field] as number | undefined, path('status', field)));
}

/** These fields of a status may not exceed another. */
export function validateAtMost<S extends object>(status: S, fields: readonly (keyof S & string)[], limit: keyof S & string, shown: string): FieldError[] {
  const most = (status[limit] as number | undefined) ?? 0;
  return fields.flatMap((field) => {
    const value = (status[field] as number | undefined) ?? 0;
    return value > most ? [invalidValue(path('status', field), value, `cannot be greater than ${shown}`)] : [];
  });
}

export function validateCollisionCount(count: number | undefined, old: number | undefined): FieldError[] {
  if (old === undefined || (count !== undefined && count >= old)) return [];
  return [invalidValue(path('status', 'collisionCount'), count ?? 0, 'cannot be decremented')];
}

/** The name becomes part of the names and host names of pods. */
export function nameWarnings(name: string): string[] {
  const wrong = validateDnsLabel(name);
  if (wrong.length === 0) return [];
  return [`metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`];
}
