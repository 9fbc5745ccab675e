import { allVerbs, defineKind } from '../../kind.ts';
import type { ControllerRevision } from './types.gen.ts';

export const controllerrevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
});
