import { allVerbs, defineKind } from '../../kind.ts';
import type { EndpointSlice } from './types.gen.ts';

export const endpointslices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
});
