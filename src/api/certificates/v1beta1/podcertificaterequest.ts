import { allVerbs, defineKind } from '../../kind.ts';
import type { PodCertificateRequest } from './types.gen.ts';

export const podcertificaterequests = defineKind<PodCertificateRequest>({
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  kind: 'PodCertificateRequest',
  plural: 'podcertificaterequests',
  singular: 'podcertificaterequest',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.certificates.v1beta1.PodCertificateRequest',
  allowUnconditionalUpdate: false,
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
