import { allVerbs, defineKind } from '../../kind.ts';
import type { ConfigMap } from './types.gen.ts';

export const configmaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ConfigMap',
});
