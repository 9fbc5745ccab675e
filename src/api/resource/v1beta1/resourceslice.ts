import { allVerbs, defineKind } from '../../kind.ts';
import { sliceFromHub, sliceToHub } from './conversion.ts';
import type { ResourceSlice } from './types.gen.ts';

export const resourceslices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1beta1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta1.ResourceSlice',
  offByDefault: true,
  returnsDeletedObject: true,
  conversion: { hub: 'resource.k8s.io/v1/ResourceSlice', toHub: sliceToHub, fromHub: sliceFromHub },
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver ?? '',
  },
});
