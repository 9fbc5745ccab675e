import { allVerbs, defineKind } from '../../kind.ts';
import type { ServiceAccount } from './types.gen.ts';

export const serviceaccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  returnsDeletedObject: true,
  subresources: {
    token: { type: 'custom', verbs: ['create'], responseKind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
  },
});
