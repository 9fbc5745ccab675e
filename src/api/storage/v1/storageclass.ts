import { allVerbs, defineKind } from '../../kind.ts';
import type { StorageClass } from './types.gen.ts';

export const storageclasses = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.StorageClass',
  returnsDeletedObject: true,
});
