import { allVerbs, defineKind } from '../../kind.ts';
import type { Job } from './types.gen.ts';

export const jobs = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.batch.v1.Job',
  garbageCollection: 'orphan',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
