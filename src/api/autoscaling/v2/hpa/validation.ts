/** What a HorizontalPodAutoscaler must look like. Source of the rules: `pkg/apis/autoscaling/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { parseApiVersion } from '../../../../apimachinery/meta.ts';
import { validatePathSegment } from '../../../../apimachinery/names.ts';
import { own } from '../../../../apimachinery/own.ts';
import { checked, validateDnsLabelField, validateNonNegative, validateNonNegativeQuantity } from '../../../../apimachinery/validation/common.ts';
import { validateContainerResourceName } from '../../../core/v1/resourcenames.ts';
import type { CrossVersionObjectReference, HorizontalPodAutoscaler, HPAScalingRules, MetricSpec } from '../types.gen.ts';
import { validateMetricName, validateMetricTarget } from './target.ts';

const maxPeriodSeconds = 1800;
const maxStabilizationSeconds = 3600;

interface ReferenceOptions {
  allowEmptyGroup?: boolean;
  allowInvalidVersion?: boolean;
}

function versionError({ apiVersion = '' }: CrossVersionObjectReference, { allowEmptyGroup }: ReferenceOptions): string | undefined {
  try {
    return parseApiVersion(apiVersion).group === '' && !allowEmptyGroup ? 'apiVersion must specify API group' : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function validateReference(reference: CrossVersionObjectReference, at: FieldPath, options: ReferenceOptions): FieldError[] {
  const errors = (['kind', 'name'] as const).flatMap((field) =>
    reference[field] ? checked(reference[field], at.child(field), validatePathSegment(reference[field])) : [required(at.child(field))],
  );
  const wrong = options.allowInvalidVersion ? undefined : versionError(reference, options);
  return wrong === undefined ? errors : [...errors, invalidValue(at.child('apiVersion'), reference.apiVersion ?? '', wrong)];
}

const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type Source = (typeof sources)[number];
const sourceOfType: Readonly<Record<string, Source>> = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
};

function validateUtilization(target: { averageUtilization?: number; averageValue?: string | number }, at: FieldPath): FieldError[] {
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    return [required(at.child('averageUtilization'), 'must set either a target raw value or a target utilization')];
  }
  if (averageUtilization === undefined || averageValue === undefined) return [];
  return [forbiddenField(at.child('averageValue'), 'may not set both a target raw value and a target utilization')];
}

/** One function for each source. */
const sourceRules: { [S in Source]: (source: NonNullable<MetricSpec[S]>, at: FieldPath, options: ReferenceOptions) => FieldError[] } = {
  object: ({ describedObject, metric, target }, at, options) => [
    ...validateReference(describedObject, at.child('describedObject'), options),
    ...validateMetricName(metric, at.child('metric')),
    ...validateMetricTarget(target, at.child('target')),
    ...(target.value === undefined && target.averageValue === undefined
      ? [required(at.child('target', 'averageValue'), 'must set either a target value or averageValue')]
      : []),
  ],
  external({ metric, target }, at) {
    const errors = [...validateMetricName(metric, at.child('metric')), ...validateMetricTarget(target, at.child('target'))];
    if (target.value === undefined && target.averageValue === undefined) {
      errors.push(required(at.child('target', 'averageValue'), 'must set either a target value for metric or a per-pod target'));
    }
    if (target.value !== undefined && target.averageValue !== undefined) {
      errors.push(forbiddenField(at.child('target', 'value'), 'may not set both a target value for metric and a per-pod target'));
    }
    return errors;
  },
  pods: ({ metric, target }, at) => [
    ...validateMetricName(metric, at.child('metric')),
    ...validateMetricTarget(target, at.child('target')),
    ...(target.averageValue === undefined ? [required(at.child('target', 'averageValue'), 'must specify a positive target averageValue')] : []),
  ],
  resource: ({ name, target }, at) => [
    ...(name ? [] : [required(at.child('name'), 'must specify a resource name')]),
    ...validateMetricTarget(target, at.child('target')),
    ...validateUtilization(target, at.child('target')),
  ],
  containerResource: ({ name, container, target }, at) => [
    ...(name ? validateContainerResourceName(name, at.child('name')) : [required(at.child('name'), 'must specify a resource name')]),
    ...(container ? validateDnsLabelField(container, at.child('container')) : [required(at.child('container'), 'must specify a container')]),
    ...validateMetricTarget(target, at.child('target')),
    ...validateUtilization(target, at.child('target')),
  ],
};

function validateSource<S extends Source>(name: S, metric: MetricSpec, at: FieldPath, options: ReferenceOptions): FieldError[] {
  const source = metric[name];
  return source ? sourceRules[name](source, at.child(name), options) : [];
}

function validateMetric(metric: MetricSpec, at: FieldPath, options: ReferenceOptions): FieldError[] {
  const errors: FieldError[] = [];
  const types = Object.keys(sourceOfType);
  if (!metric.type) errors.push(required(at.child('type'), 'must specify a metric source type'));
  const expected = own(sourceOfType, metric.type);
  if (!expected) errors.push(notSupported(at.child('type'), metric.type, types));
  const present = sources.filter((source) => metric[source] !== undefined);
  const [first] = present;
  if (first) errors.push(...validateSource(first, metric, at, options));
  if (!expected) errors.push(notSupported(at.child('type'), metric.type, types));
  else if (metric[expected] === undefined) errors.push(required(at.child(expected), 'must populate information for the given metric source'));
  if (present.length === 1) return errors;
  const others = present.filter((source) => source !== expected);
  return [...errors, ...others.map((source) => forbiddenField(at.child(source), 'must populate the given metric source only'))];
}

function validateRules(rules: HPAScalingRules | undefined, at: FieldPath): FieldError[] {
  if (!rules) return [];
  const errors: FieldError[] = [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  if (window !== undefined && window < 0) errors.push(invalidValue(at.child('stabilizationWindowSeconds'), window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > maxStabilizationSeconds) {
    errors.push(invalidValue(at.child('stabilizationWindowSeconds'), window, `must be less than or equal to ${maxStabilizationSeconds}`));
  }
  const selects = ['Max', 'Min', 'Disabled'];
  if (selectPolicy !== undefined && !selects.includes(selectPolicy)) errors.push(notSupported(at.child('selectPolicy'), selectPolicy, selects));
  if (policies.length === 0) errors.push(required(at.child('policies'), 'must specify at least one Policy'));
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const policyAt = at.child('policies').index(index);
    if (type !== 'Pods' && type !== 'Percent') errors.push(notSupported(policyAt.child('type'), type, ['Pods', 'Percent']));
    if (value <= 0) errors.push(invalidValue(policyAt.child('value'), value, 'must be greater than zero'));
    if (periodSeconds <= 0) errors.push(invalidValue(policyAt.child('periodSeconds'), periodSeconds, 'must be greater than zero'));
    if (periodSeconds > maxPeriodSeconds) {
      errors.push(invalidValue(policyAt.child('periodSeconds'), periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`));
    }
  }
  return tolerance === undefined ? errors : [...errors, ...validateNonNegativeQuantity(String(tolerance), at.child('tolerance'))];
}

function validateReplicas({ spec }: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | undefined, at: FieldPath): FieldError[] {
  const { minReplicas, maxReplicas = 0 } = spec;
  const least = old?.spec.minReplicas === 0 ? 0 : 1;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < least) {
    errors.push(invalidValue(at.child('minReplicas'), minReplicas, `must be greater than or equal to ${least}`));
  }
  if (maxReplicas === 0) errors.push(required(at.child('maxReplicas'), 'must be set and greater than 0'));
  else if (maxReplicas < 0) errors.push(invalidValue(at.child('maxReplicas'), maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalidValue(at.child('maxReplicas'), maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  return errors;
}

export function validateHpa(hpa: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | undefined): FieldError[] {
  const at = path('spec');
  const { scaleTargetRef, metrics = [], minReplicas, behavior } = hpa.spec;
  const before = old?.spec.scaleTargetRef;
  const targetOptions = {
    allowInvalidVersion: before !== undefined && before.apiVersion === scaleTargetRef.apiVersion && before.kind === scaleTargetRef.kind,
    allowEmptyGroup: scaleTargetRef.kind === 'ReplicationController',
  };
  const wasWrong = (old?.spec.metrics ?? []).some(({ object }) => object && versionError(object.describedObject, { allowEmptyGroup: true }) !== undefined);
  const metricOptions = { allowEmptyGroup: true, allowInvalidVersion: wasWrong };
  const errors = [
    ...validateReplicas(hpa, old, at),
    ...validateReference(scaleTargetRef, at.child('scaleTargetRef'), targetOptions),
    ...metrics.flatMap((metric, index) => validateMetric(metric, at.child('metrics').index(index), metricOptions)),
  ];
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    errors.push(forbiddenField(at.child('metrics'), 'must specify at least one Object or External metric to support scaling to zero replicas'));
  }
  return [
    ...errors,
    ...validateRules(behavior?.scaleUp, at.child('behavior', 'scaleUp')),
    ...validateRules(behavior?.scaleDown, at.child('behavior', 'scaleDown')),
  ];
}

export const validateHpaStatus = ({ status }: HorizontalPodAutoscaler): FieldError[] => [
  ...validateNonNegative(status?.currentReplicas, path('status', 'currentReplicas')),
  ...validateNonNegative(status?.desiredReplicas, path('status', 'desiredReplicas')),
];
