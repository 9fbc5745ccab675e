import { allVerbs, defineKind } from '../../kind.ts';
import type { PriorityLevelConfiguration } from './types.gen.ts';

export const prioritylevelconfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
