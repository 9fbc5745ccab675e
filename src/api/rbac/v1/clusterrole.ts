import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required } from '../../../apimachinery/fieldpath.ts';
import { pathSegmentName } from '../../../apimachinery/names.ts';
import { validateLabelSelector } from '../../../apimachinery/selectors.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateRules } from './rules.ts';
import type { ClusterRole } from './types.gen.ts';

function validateClusterRole({ rules, aggregationRule }: ClusterRole): FieldError[] {
  const errors = validateRules(rules, false);
  if (!aggregationRule) return errors;
  const at = path('aggregationRule', 'clusterRoleSelectors');
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) errors.push(required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  return [
    ...errors,
    ...selectors.flatMap((selector, index) => {
      const wrong = validateLabelSelector(selector, {}, at.index(index));
      return wrong.length > 0 ? [...wrong, invalidValue(at.index(index), null, 'invalid label selector.')] : [];
    }),
  ];
}

export const clusterroles = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  verbs: allVerbs,
  validateName: pathSegmentName,
  schema: 'io.k8s.api.rbac.v1.ClusterRole',
  allowCreateOnUpdate: true,
  validate: validateClusterRole,
  validateUpdate: validateClusterRole,
});
