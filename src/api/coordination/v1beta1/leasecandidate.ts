import { allVerbs, defineKind } from '../../kind.ts';
import { candidateRules } from '../strategy.ts';
import type { LeaseCandidate } from './types.gen.ts';

export const leasecandidates = defineKind<LeaseCandidate>({
  ...candidateRules,
  group: 'coordination.k8s.io',
  version: 'v1beta1',
  kind: 'LeaseCandidate',
  plural: 'leasecandidates',
  singular: 'leasecandidate',
  namespaced: true,
  verbs: allVerbs,
  deprecated: 'in v1.36+, unavailable in v1.39+',
  schema: 'io.k8s.api.coordination.v1beta1.LeaseCandidate',
  offByDefault: true,
});
