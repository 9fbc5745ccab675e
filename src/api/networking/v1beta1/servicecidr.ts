import { allVerbs, defineKind } from '../../kind.ts';
import type { ServiceCIDR } from './types.gen.ts';

export const servicecidrs = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1beta1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1beta1.ServiceCIDR',
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
