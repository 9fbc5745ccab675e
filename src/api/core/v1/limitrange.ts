import { allVerbs, defineKind } from '../../kind.ts';
import type { LimitRange } from './types.gen.ts';

export const limitranges = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.LimitRange',
});
