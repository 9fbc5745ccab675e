import { allVerbs, defineKind } from '../../kind.ts';
import type { Endpoints } from './types.gen.ts';

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Endpoints',
});
