import { allVerbs, defineKind } from '../../kind.ts';
import type { Workload } from './types.gen.ts';

export const workloads = defineKind<Workload>({
  group: 'scheduling.k8s.io',
  version: 'v1alpha2',
  kind: 'Workload',
  plural: 'workloads',
  singular: 'workload',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.scheduling.v1alpha2.Workload',
  offByDefault: true,
});
