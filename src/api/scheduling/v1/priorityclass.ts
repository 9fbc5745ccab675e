import { allVerbs, defineKind } from '../../kind.ts';
import type { PriorityClass } from './types.gen.ts';

export const priorityclasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.scheduling.v1.PriorityClass',
});
