import { allVerbs, defineKind } from '../../kind.ts';
import type { CronJob } from './types.gen.ts';

export const cronjobs = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.batch.v1.CronJob',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
