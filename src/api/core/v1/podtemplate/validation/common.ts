import type { FieldError, FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { validateEnum } from '../../../../../apimachinery/validation/common.ts';
import { podContainers } from '../../pod/conditions.ts';
import type { Container, EphemeralContainer, PodSpec } from '../../types.gen.ts';

export const validatePullPolicy = (policy: string | undefined, path: FieldPath): FieldError[] =>
  validateEnum(policy, ['Always', 'IfNotPresent', 'Never'], path);

/** Something that holds for every container, of whatever type. */
export function eachContainer(
  spec: PodSpec,
  path: FieldPath,
  check: (container: Container | EphemeralContainer, path: FieldPath) => FieldError[],
): FieldError[] {
  const errors: FieldError[] = [];
  for (const { container, type, index } of podContainers(spec)) errors.push(...check(container, path.child(type).index(index)));
  return errors;
}
