import { allVerbs, defineKind } from '../../kind.ts';
import type { CertificateSigningRequest } from './types.gen.ts';

export const certificatesigningrequests = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.certificates.v1.CertificateSigningRequest',
  subresources: {
    approval: { type: 'object', verbs: ['get', 'patch', 'update'] },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
