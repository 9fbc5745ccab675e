/** Validation of a replication controller. Source of the rule: upstream's `core/validation`. */

import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { labelSetMatcher } from '../../../../apimachinery/selectors.ts';
import { validateNonNegative } from '../../../../apimachinery/validation/common.ts';
import { validatePodTemplateSpec } from '../podtemplate/validation.ts';
import type { ReplicationController, ReplicationControllerSpec } from '../types.gen.ts';

const specPath = path('spec');
const statusPath = path('status');

function validateTemplate({ selector, template }: ReplicationControllerSpec): FieldError[] {
  const at = specPath.child('template');
  if (!template) return [required(at)];
  const labels = template.metadata?.labels;
  const errors = labelSetMatcher(selector).matches(labels)
    ? []
    : [invalidValue(at.child('metadata', 'labels'), labels, '`selector` does not match template `labels`')];
  errors.push(...validatePodTemplateSpec(template, at));
  const policy = template.spec.restartPolicy;
  if (policy !== 'Always') errors.push(notSupported(at.child('spec', 'restartPolicy'), policy ?? '', ['Always']));
  if (template.spec.activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in ReplicationController is not Supported';
    errors.push(forbiddenField(at.child('spec', 'activeDeadlineSeconds'), why));
  }
  return errors;
}

export function validateReplicationController({ spec = {} }: ReplicationController): FieldError[] {
  const errors = validateNonNegative(spec.minReadySeconds, specPath.child('minReadySeconds'));
  if (Object.keys(spec.selector ?? {}).length === 0) errors.push(required(specPath.child('selector')));
  const replicas = specPath.child('replicas');
  errors.push(...(spec.replicas === undefined ? [required(replicas)] : validateNonNegative(spec.replicas, replicas)));
  return [...errors, ...validateTemplate(spec)];
}

const counts = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'] as const;

export function validateReplicationControllerStatus({ status }: ReplicationController): FieldError[] {
  const errors = counts.flatMap((field) => validateNonNegative(status?.[field], statusPath.child(field)));
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? { replicas: 0 };
  for (const field of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status?.[field] ?? 0;
    if (count > replicas) errors.push(invalidValue(statusPath.child(field), count, 'cannot be greater than status.replicas'));
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalidValue(statusPath.child('availableReplicas'), availableReplicas, 'cannot be greater than readyReplicas'));
  }
  return errors;
}
