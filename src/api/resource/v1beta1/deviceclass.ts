import { allVerbs, defineKind } from '../../kind.ts';
import type { DeviceClass } from './types.gen.ts';

export const deviceclasses = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta1.DeviceClass',
  offByDefault: true,
  returnsDeletedObject: true,
});
