import { allVerbs, defineKind } from '../../kind.ts';
import type { ClusterTrustBundle } from './types.gen.ts';

export const clustertrustbundles = defineKind<ClusterTrustBundle>({
  group: 'certificates.k8s.io',
  version: 'v1alpha1',
  kind: 'ClusterTrustBundle',
  plural: 'clustertrustbundles',
  singular: 'clustertrustbundle',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.certificates.v1alpha1.ClusterTrustBundle',
  offByDefault: true,
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
});
