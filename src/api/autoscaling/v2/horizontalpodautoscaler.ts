/** The hub version of HorizontalPodAutoscaler; v1 is converted to it and from it. */
import { allVerbs, defineKind } from '../../kind.ts';
import { hpaColumns } from './hpa/columns.ts';
import { setHpaDefaults } from './hpa/defaults.ts';
import { validateHpa, validateHpaStatus } from './hpa/validation.ts';
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
  setDefaults: setHpaDefaults,
  validate: (hpa) => validateHpa(hpa, undefined),
  validateUpdate: validateHpa,
  columns: hpaColumns,
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validateHpaStatus },
  },
});
