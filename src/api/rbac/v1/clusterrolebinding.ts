import { pathSegmentName } from '../../../apimachinery/names.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { bindingColumns, setBindingDefaults, validateBinding, validateBindingUpdate } from './rules.ts';
import type { ClusterRoleBinding } from './types.gen.ts';

const roleKinds: readonly string[] = ['ClusterRole'];

export const clusterrolebindings = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  verbs: allVerbs,
  validateName: pathSegmentName,
  schema: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
  allowCreateOnUpdate: true,
  setDefaults: setBindingDefaults,
  validate: (binding) => validateBinding(binding, roleKinds),
  validateUpdate: (binding, old) => validateBindingUpdate(binding, old, roleKinds),
  columns: bindingColumns,
});
