import { allVerbs, defineKind } from '../../kind.ts';
import type { Service } from './types.gen.ts';

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Service',
  returnsDeletedObject: true,
  subresources: {
    proxy: { type: 'custom', verbs: ['create', 'delete', 'get', 'patch', 'update'], responseKind: { group: '', version: 'v1', kind: 'ServiceProxyOptions' } },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
