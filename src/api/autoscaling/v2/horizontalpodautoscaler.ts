import { allVerbs, defineKind } from '../../kind.ts';
import type { HorizontalPodAutoscaler } from './types.gen.ts';

export const horizontalpodautoscalers = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
