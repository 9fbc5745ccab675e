import { allVerbs, defineKind } from '../../kind.ts';
import type { DeviceTaintRule } from './types.gen.ts';

export const devicetaintrules = defineKind<DeviceTaintRule>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'DeviceTaintRule',
  plural: 'devicetaintrules',
  singular: 'devicetaintrule',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta2.DeviceTaintRule',
  returnsDeletedObject: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
