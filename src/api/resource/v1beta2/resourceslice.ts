import { allVerbs, defineKind } from '../../kind.ts';
import type { ResourceSlice } from './types.gen.ts';

export const resourceslices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta2.ResourceSlice',
  offByDefault: true,
  returnsDeletedObject: true,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver ?? '',
  },
});
