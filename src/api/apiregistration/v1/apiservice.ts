import { allVerbs, defineKind } from '../../kind.ts';
import type { APIService } from './types.gen.ts';

export const apiservices = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
