import { allVerbs, defineKind } from '../../kind.ts';
import type { Ingress } from './types.gen.ts';

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.Ingress',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
