import { allVerbs, defineKind } from '../../kind.ts';
import type { StorageVersion } from './types.gen.ts';

export const storageversions = defineKind<StorageVersion>({
  group: 'internal.apiserver.k8s.io',
  version: 'v1alpha1',
  kind: 'StorageVersion',
  plural: 'storageversions',
  singular: 'storageversion',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.apiserverinternal.v1alpha1.StorageVersion',
  allowUnconditionalUpdate: false,
  offByDefault: true,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
