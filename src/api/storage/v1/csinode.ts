import { allVerbs, defineKind } from '../../kind.ts';
import type { CSINode } from './types.gen.ts';

export const csinodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.CSINode',
  returnsDeletedObject: true,
});
