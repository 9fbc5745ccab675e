import { allVerbs, defineKind } from '../../kind.ts';
import type { VolumeAttachment } from './types.gen.ts';

export const volumeattachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.VolumeAttachment',
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
