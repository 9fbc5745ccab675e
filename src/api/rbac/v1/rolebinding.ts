import { pathSegmentName } from '../../../apimachinery/names.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { bindingColumns, setBindingDefaults, validateBinding, validateBindingUpdate } from './rules.ts';
import type { RoleBinding } from './types.gen.ts';

const roleKinds: readonly string[] = ['Role', 'ClusterRole'];

export const rolebindings = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  verbs: allVerbs,
  validateName: pathSegmentName,
  schema: 'io.k8s.api.rbac.v1.RoleBinding',
  allowCreateOnUpdate: true,
  setDefaults: setBindingDefaults,
  validate: (binding) => validateBinding(binding, roleKinds),
  validateUpdate: (binding, old) => validateBindingUpdate(binding, old, roleKinds),
  columns: bindingColumns,
});
