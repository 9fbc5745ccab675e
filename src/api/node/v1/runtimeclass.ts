import { allVerbs, defineKind } from '../../kind.ts';
import type { RuntimeClass } from './types.gen.ts';

export const runtimeclasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.node.v1.RuntimeClass',
});
