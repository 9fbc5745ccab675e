import { allVerbs, defineKind } from '../../kind.ts';
import type { Lease } from './types.gen.ts';

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.coordination.v1.Lease',
});
