import { pathSegmentName } from '../../../apimachinery/names.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { ClusterRole } from './types.gen.ts';

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
});
