import { allVerbs, defineKind } from '../../kind.ts';
import { candidateRules } from '../strategy.ts';
import type { LeaseCandidate } from './types.gen.ts';

export const leasecandidates = defineKind<LeaseCandidate>({
  ...candidateRules,
  group: 'coordination.k8s.io',
  version: 'v1alpha2',
  kind: 'LeaseCandidate',
  plural: 'leasecandidates',
  singular: 'leasecandidate',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.coordination.v1alpha2.LeaseCandidate',
  offByDefault: true,
});
