/** `kubectl get hpa`. */
import { ageColumn, nameColumn, textColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../types.gen.ts';

const unknown = '<unknown>';
/** So many metrics are shown. */
const shown = 2;

function averageOrValue({ averageValue, value }: MetricTarget, current: MetricValueStatus | undefined): string {
  if (averageValue !== undefined) return `${current?.averageValue ?? unknown}/${averageValue} (avg)`;
  return `${current ? (current.value ?? '<nil>') : unknown}/${value ?? '<nil>'}`;
}

function resourceText(name: string, target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${name}: ${current ? (current.averageValue ?? '<nil>') : unknown}/${target.averageValue}`;
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
  return `${name}: ${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`;
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const { type, external, pods, object, resource, containerResource } = spec;
  if (type === 'External' && external) return averageOrValue(external.target, status?.external?.current);
  if (type === 'Pods' && pods) return `${status?.pods?.current.averageValue ?? unknown}/${pods.target.averageValue ?? '<nil>'}`;
  if (type === 'Object' && object) return averageOrValue(object.target, status?.object?.current);
  if (type === 'Resource' && resource) return resourceText(resource.name, resource.target, status?.resource?.current);
  if (type === 'ContainerResource' && containerResource) {
    return resourceText(containerResource.name, containerResource.target, status?.containerResource?.current);
  }
  return '<unknown type>';
}

function targetsCell({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const texts = metrics.slice(0, shown).map((metric, index) => metricText(metric, status?.currentMetrics?.[index]));
  return metrics.length > shown ? `${texts.join(', ')} + ${metrics.length - shown} more...` : texts.join(', ');
}

export const hpaColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  textColumn('Reference', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
  textColumn('Targets', targetsCell),
  textColumn('MinPods', ({ spec }) => String(spec.minReplicas ?? '<unset>')),
  textColumn('MaxPods', ({ spec }) => spec.maxReplicas ?? 0),
  textColumn('Replicas', ({ status }) => status?.currentReplicas ?? 0),
  ageColumn,
];
