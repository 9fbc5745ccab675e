import { allVerbs, defineKind } from '../../kind.ts';
import type { PersistentVolume } from './types.gen.ts';

export const persistentvolumes = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.PersistentVolume',
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
