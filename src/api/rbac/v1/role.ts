import { pathSegmentName } from '../../../apimachinery/names.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateRules } from './rules.ts';
import type { Role } from './types.gen.ts';

export const roles = defineKind<Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  verbs: allVerbs,
  validateName: pathSegmentName,
  schema: 'io.k8s.api.rbac.v1.Role',
  allowCreateOnUpdate: true,
  validate: ({ rules }) => validateRules(rules, true),
  validateUpdate: ({ rules }) => validateRules(rules, true),
});
