import { defineKind } from '../../kind.ts';
import type { Namespace } from './types.gen.ts';

export const namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  schema: 'io.k8s.api.core.v1.Namespace',
  subresources: {
    finalize: { type: 'object', verbs: ['update'] },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
