import { allVerbs, defineKind } from '../../kind.ts';
import type { NetworkPolicy } from './types.gen.ts';

export const networkpolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1.NetworkPolicy',
});
