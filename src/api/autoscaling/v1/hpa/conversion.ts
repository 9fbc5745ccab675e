/**
 * autoscaling/v1 knows one target, CPU utilization; everything else of an autoscaler is in annotations there.
 * Source of the forms: `pkg/apis/autoscaling/v1/conversion.go`.
 */
import type { KubeObject } from '../../../../apimachinery/meta.ts';
import { internalValue } from '../../../internalvalue.ts';
import { defaultCpuUtilization } from '../../v2/hpa/defaults.ts';
import type { HorizontalPodAutoscalerBehavior, HorizontalPodAutoscaler as Hub, MetricSpec } from '../../v2/types.gen.ts';
import type { HorizontalPodAutoscaler } from '../types.gen.ts';
import { metricFromV1, metricToV1, statusFromV1, statusToV1 } from './metrics.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const metricsAnnotation = `${prefix}metrics`;
const currentMetricsAnnotation = `${prefix}current-metrics`;
const conditionsAnnotation = `${prefix}conditions`;
const behaviorAnnotation = `${prefix}behavior`;
const ours = [
  metricsAnnotation,
  currentMetricsAnnotation,
  conditionsAnnotation,
  behaviorAnnotation,
  `${prefix}scale-down-tolerance`,
  `${prefix}scale-up-tolerance`,
];

type Annotations = Record<string, string>;

function withoutOurs(annotations: Annotations | undefined): Annotations {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !ours.includes(key)));
}

const cpuMetric = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

const isCpuUtilization = ({ type, resource }: MetricSpec): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;

/** Upstream writes its internal type: the same names, capitalized, and nulls. */
function renameKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [rename(key), renameKeys(item, rename)]));
}

const uncapitalize = (key: string): string => key.charAt(0).toLowerCase() + key.slice(1);

function withMetadata<T extends KubeObject>(object: T, annotations: Annotations): T['metadata'] {
  const { annotations: _, ...metadata } = object.metadata;
  return Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata;
}

export function fromHub(object: KubeObject): HorizontalPodAutoscaler {
  const hub = object as Hub;
  const { scaleTargetRef, minReplicas, maxReplicas, metrics = [], behavior } = hub.spec;
  const annotations = withoutOurs(hub.metadata.annotations);
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const { currentMetrics = [], conditions = [] } = hub.status ?? {};
  if (others.length > 0) annotations[metricsAnnotation] = JSON.stringify(others.map(metricToV1));
  if (currentMetrics.length > 0) annotations[currentMetricsAnnotation] = JSON.stringify(currentMetrics.map(statusToV1));
  if (behavior) annotations[behaviorAnnotation] = JSON.stringify(internalValue('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior', behavior));
  if (conditions.length > 0) annotations[conditionsAnnotation] = JSON.stringify(conditions);
  const target = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const current = currentMetrics.findLast(({ resource }) => resource?.name === 'cpu')?.resource?.current.averageUtilization;
  const { status } = hub;
  const v1: HorizontalPodAutoscaler = {
    metadata: withMetadata(hub, annotations),
    spec: {
      scaleTargetRef,
      maxReplicas,
      ...(minReplicas === undefined ? {} : { minReplicas }),
      ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }),
    },
  };
  if (status) {
    const { observedGeneration, lastScaleTime, currentReplicas = 0, desiredReplicas = 0 } = status;
    v1.status = {
      currentReplicas,
      desiredReplicas,
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    };
  }
  return v1;
}

/** What an annotation says; nothing when it can't be read. */
function parse<T>(annotations: Annotations | undefined, key: string): T | undefined {
  const text = annotations?.[key];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

type Listed = Record<string, unknown>[];

export function toHub(v1: HorizontalPodAutoscaler): Hub {
  const { annotations } = v1.metadata;
  const { scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage: target } = v1.spec;
  const metrics = (parse<Listed>(annotations, metricsAnnotation) ?? []).map(metricFromV1);
  if (target !== undefined) metrics.push(cpuMetric(target));
  if (metrics.length === 0) metrics.push(cpuMetric(defaultCpuUtilization));
  const behavior = renameKeys(parse(annotations, behaviorAnnotation), uncapitalize) as HorizontalPodAutoscalerBehavior | undefined;
  const hub: Hub = {
    metadata: withMetadata(v1, withoutOurs(annotations)),
    spec: {
      scaleTargetRef,
      maxReplicas,
      metrics,
      ...(minReplicas === undefined ? {} : { minReplicas }),
      ...(behavior && Object.keys(behavior).length > 0 ? { behavior } : {}),
    },
  };
  if (v1.status) hub.status = statusToHub(v1);
  return hub;
}

function statusToHub({ metadata: { annotations }, status }: HorizontalPodAutoscaler): NonNullable<Hub['status']> {
  const { observedGeneration, lastScaleTime, currentReplicas = 0, desiredReplicas = 0, currentCPUUtilizationPercentage: cpu } = status ?? {};
  const plain = cpu === undefined ? undefined : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } }];
  const currentMetrics = parse<Listed>(annotations, currentMetricsAnnotation)?.map(statusFromV1) ?? plain;
  const conditions = parse<NonNullable<NonNullable<Hub['status']>['conditions']>>(annotations, conditionsAnnotation);
  return {
    currentReplicas,
    desiredReplicas,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    ...(currentMetrics ? { currentMetrics } : {}),
    ...(conditions ? { conditions } : {}),
  };
}
