/** The pod template inside a workload: what core/v1 says of it. */
import { semanticEqual } from '../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { validatePodTemplateSpec } from '../../core/v1/podtemplate/validation.ts';
import type { PodTemplateSpec } from '../../core/v1/types.gen.ts';

/** `old` is the template that stands, on an update: what was let pass there is let pass again. */
export function validateTemplate(template: PodTemplateSpec, old: PodTemplateSpec | undefined, at: FieldPath): FieldError[] {
  return old !== undefined && semanticEqual(template, old) ? [] : validatePodTemplateSpec(template, at);
}
