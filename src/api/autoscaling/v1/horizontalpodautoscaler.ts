/** HorizontalPodAutoscaler as it first was; stored and validated as v2. */
import { allVerbs, defineKind } from '../../kind.ts';
import { hpaColumns } from '../v2/hpa/columns.ts';
import { fromHub, toHub } from './hpa/conversion.ts';
import type { HorizontalPodAutoscaler } from './types.gen.ts';

export const horizontalpodautoscalers = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
  setDefaults(hpa) {
    hpa.spec.minReplicas ??= 1;
    // Upstream's fields are owned as they are after a way through its internal type.
    Object.assign(hpa, fromHub(toHub(hpa)));
  },
  conversion: { hub: 'autoscaling/v2/HorizontalPodAutoscaler', toHub, fromHub },
  columns: hpaColumns.map((column) => ({ ...column, value: (hpa, now) => column.value(toHub(hpa), now) })),
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
