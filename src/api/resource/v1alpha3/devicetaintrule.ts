import { allVerbs, defineKind } from '../../kind.ts';
import type { DeviceTaintRule } from './types.gen.ts';

export const devicetaintrules = defineKind<DeviceTaintRule>({
  group: 'resource.k8s.io',
  version: 'v1alpha3',
  kind: 'DeviceTaintRule',
  plural: 'devicetaintrules',
  singular: 'devicetaintrule',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1alpha3.DeviceTaintRule',
  returnsDeletedObject: true,
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
