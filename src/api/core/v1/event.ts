import { allVerbs, defineKind } from '../../kind.ts';
import type { Event } from './types.gen.ts';

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Event',
  garbageCollection: 'unsupported',
});
