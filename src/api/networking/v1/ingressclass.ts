import { allVerbs, defineKind } from '../../kind.ts';
import type { IngressClass } from './types.gen.ts';

export const ingressclasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.IngressClass',
});
