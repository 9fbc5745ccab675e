import { allVerbs, defineKind } from '../../kind.ts';
import type { PodTemplate } from './types.gen.ts';

export const podtemplates = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.PodTemplate',
  returnsDeletedObject: true,
});
