import { allVerbs, defineKind } from '../../kind.ts';
import type { CSIDriver } from './types.gen.ts';

export const csidrivers = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.CSIDriver',
  returnsDeletedObject: true,
});
