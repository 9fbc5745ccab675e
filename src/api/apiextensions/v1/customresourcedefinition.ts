import { allVerbs, defineKind } from '../../kind.ts';
import type { CustomResourceDefinition } from './types.gen.ts';

export const customresourcedefinitions = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
