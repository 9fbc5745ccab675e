import { allVerbs, defineKind } from '../../kind.ts';
import type { FlowSchema } from './types.gen.ts';

export const flowschemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  singular: 'flowschema',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.flowcontrol.v1.FlowSchema',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
