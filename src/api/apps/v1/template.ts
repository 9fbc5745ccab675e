/** The pod template inside a workload: what core/v1 says of it. */
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { validateLabels } from '../../../apimachinery/selectors.ts';
import { validateAnnotations } from '../../../apimachinery/validation/objectmeta.ts';
import type { PodTemplateSpec } from '../../core/v1/types.gen.ts';

/** `old` is the template that stands, on an update: what was let pass there is let pass again. */
export function validateTemplate(template: PodTemplateSpec, _old: PodTemplateSpec | undefined, at: FieldPath): FieldError[] {
  const { labels, annotations } = template.metadata ?? {};
  return [...validateLabels(labels, at.child('labels')), ...validateAnnotations(annotations, at.child('annotations'))];
}
