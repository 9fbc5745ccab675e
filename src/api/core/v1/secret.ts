import { allVerbs, defineKind } from '../../kind.ts';
import type { Secret } from './types.gen.ts';

export const secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Secret',
});
