import { allVerbs, defineKind } from '../../kind.ts';
import type { PersistentVolumeClaim } from './types.gen.ts';

export const persistentvolumeclaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
