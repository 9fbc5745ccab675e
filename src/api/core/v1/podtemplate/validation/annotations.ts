/** Annotations of a pod that the API server understands. */

import { parseJson } from '../../../../../apimachinery/codec/json.ts';
import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { invalidValue } from '../../../../../apimachinery/fieldpath.ts';
import type { PodSpec, Toleration } from '../../types.gen.ts';
import { validateProfileAnnotations } from './profiles.ts';
import { mirrorAnnotation, validateTolerations } from './scheduling.ts';

type Annotations = Readonly<Record<string, string>> | undefined;

const tolerationsKey = 'scheduler.alpha.kubernetes.io/tolerations';
const deletionCostKey = 'controller.kubernetes.io/pod-deletion-cost';

function validateTolerationsAnnotation(text: string, path: FieldPath): FieldError[] {
  try {
    const tolerations = parseJson(text);
    return Array.isArray(tolerations) ? validateTolerations(tolerations as Toleration[], path.child(tolerationsKey)) : [];
  } catch (error) {
    return [invalidValue(path, tolerationsKey, (error as Error).message)];
  }
}

/** An int32 in decimal, written one way only. */
const isDeletionCost = (text: string): boolean => {
  const cost = Number(text);
  return /^(0|-?[1-9][0-9]*)$/.test(text) && cost >= -(2 ** 31) && cost < 2 ** 31;
};

export function validatePodAnnotations(annotations: Annotations, spec: PodSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const mirror = annotations?.[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    errors.push(invalidValue(path.key(mirrorAnnotation), mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const tolerations = annotations?.[tolerationsKey];
  if (tolerations) errors.push(...validateTolerationsAnnotation(tolerations, path));
  const cost = annotations?.[deletionCostKey];
  if (cost !== undefined && !isDeletionCost(cost)) errors.push(invalidValue(path.key(deletionCostKey), cost, 'must be a 32bit integer'));
  return [...errors, ...validateProfileAnnotations(annotations, spec, path)];
}
