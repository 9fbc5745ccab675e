/** The template and selector of a Deployment or ReplicaSet. */
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, required } from '../../../apimachinery/fieldpath.ts';
import type { LabelSelector } from '../../../apimachinery/meta.ts';
import type { PodTemplateSpec } from '../../core/v1/types.gen.ts';
import { selectorValue } from '../../internalvalue.ts';
import { validateTemplate } from './template.ts';
import { matcherOrUndefined, validateLongRunning, validateTemplateLabels } from './workload.ts';

interface Templated {
  selector: LabelSelector;
  template?: PodTemplateSpec;
}

/** `at` is the path of the spec. */
export function validateReplicaTemplate({ selector, template }: Templated, old: Templated | undefined, at: FieldPath): FieldError[] {
  const matcher = matcherOrUndefined(selector);
  if (!matcher) return [invalidValue(at.child('selector'), selectorValue(selector), 'invalid label selector')];
  const templateAt = at.child('template');
  if (!template) return [required(templateAt)];
  return [
    ...validateTemplateLabels(template, matcher, templateAt),
    ...validateTemplate(template, old?.template, templateAt),
    ...validateLongRunning(template, 'ReplicaSet', templateAt),
  ];
}

/** A selector as a column shows it. */
export const selectorText = (selector: LabelSelector | undefined): string => matcherOrUndefined(selector)?.toString() ?? '<invalid>';
