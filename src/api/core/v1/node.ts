import { allVerbs, defineKind } from '../../kind.ts';
import type { Node } from './types.gen.ts';

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Node',
  subresources: {
    proxy: { type: 'custom', verbs: ['create', 'delete', 'get', 'patch', 'update'], responseKind: { group: '', version: 'v1', kind: 'NodeProxyOptions' } },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
