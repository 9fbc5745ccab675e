/** What a StatefulSet must look like. Source of the rules: `pkg/apis/apps/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import {
  validateAtMost100Percent,
  validateDnsLabelField,
  validateEnumInOrder,
  validateIntOrPercent,
  validateNonNegative,
} from '../../../../apimachinery/validation/common.ts';
import { validateClaimSpec } from '../../../core/v1/persistentvolumeclaim/validation.ts';
import type { PodTemplateSpec, Volume } from '../../../core/v1/types.gen.ts';
import { internalValue, selectorValue } from '../../../internalvalue.ts';
import { validateTemplate } from '../template.ts';
import type { RollingUpdateStatefulSetStrategy, StatefulSetSpec, StatefulSetStatus } from '../types.gen.ts';
import {
  matcherOrUndefined,
  rolloutValue,
  validateAtMost,
  validateCollisionCount,
  validateCounts,
  validateLongRunning,
  validateTemplateLabels,
  validateWorkloadSelector,
} from '../workload.ts';

const apps = 'io.k8s.api.apps.v1';

function validateRollingUpdate({ partition, maxUnavailable }: RollingUpdateStatefulSetStrategy, at: FieldPath): FieldError[] {
  const errors = validateNonNegative(partition, at.child('partition'));
  if (maxUnavailable === undefined) return errors;
  const unavailableAt = at.child('maxUnavailable');
  errors.push(...validateIntOrPercent(maxUnavailable, unavailableAt));
  if (rolloutValue(maxUnavailable) === 0) errors.push(invalidValue(unavailableAt, maxUnavailable, 'cannot be 0'));
  return [...errors, ...validateAtMost100Percent(maxUnavailable, unavailableAt)];
}

function validateStrategies({ podManagementPolicy, updateStrategy = {} }: StatefulSetSpec, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!podManagementPolicy) errors.push(required(at.child('podManagementPolicy')));
  else if (podManagementPolicy !== 'OrderedReady' && podManagementPolicy !== 'Parallel') {
    errors.push(invalidValue(at.child('podManagementPolicy'), podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const updateAt = at.child('updateStrategy');
  const { type, rollingUpdate } = updateStrategy;
  if (!type) errors.push(required(updateAt));
  else if (type === 'OnDelete') {
    if (rollingUpdate)
      errors.push(
        invalidValue(
          updateAt.child('rollingUpdate'),
          internalValue(`${apps}.RollingUpdateStatefulSetStrategy`, rollingUpdate),
          "only allowed for updateStrategy 'RollingUpdate'",
        ),
      );
  } else if (type !== 'RollingUpdate')
    errors.push(invalidValue(updateAt, internalValue(`${apps}.StatefulSetUpdateStrategy`, updateStrategy), "must be 'RollingUpdate' or 'OnDelete'"));
  else if (rollingUpdate) errors.push(...validateRollingUpdate(rollingUpdate, updateAt.child('rollingUpdate')));
  return errors;
}

/** The template as the controller will use it: with the claims as volumes, and names that it sets itself left out. */
function effectiveTemplate({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const { spec } = template;
  if (!spec) return template;
  const { subdomain: _, hostname: __, ...rest } = spec;
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata.name));
  const claims = [...names].map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }));
  const volumes = [...claims, ...(spec.volumes ?? []).filter(({ name }) => !names.has(name))];
  return { ...template, spec: { ...rest, ...(volumes.length > 0 ? { volumes } : {}) } };
}

const validateClaimTemplates = ({ volumeClaimTemplates = [] }: StatefulSetSpec, at: FieldPath): FieldError[] =>
  volumeClaimTemplates.flatMap(({ spec }, index) => validateClaimSpec(spec ?? {}, at.index(index).child('spec')));

/** `old` is the spec that stands, on an update: names that can't change any more are not judged again. */
export function validateStatefulSetSpec(spec: StatefulSetSpec, old: StatefulSetSpec | undefined, at: FieldPath): FieldError[] {
  const policies = ['Retain', 'Delete'];
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  const retentionAt = at.child('persistentVolumeClaimRetentionPolicy');
  const errors = [
    ...validateStrategies(spec, at),
    ...(retention ? validateEnumInOrder(retention.whenDeleted, policies, retentionAt.child('whenDeleted')) : []),
    ...(retention ? validateEnumInOrder(retention.whenScaled, policies, retentionAt.child('whenScaled')) : []),
    ...(old ? [] : validateClaimTemplates(spec, at.child('volumeClaimTemplates'))),
    ...validateNonNegative(spec.replicas, at.child('replicas')),
    ...validateNonNegative(spec.minReadySeconds, at.child('minReadySeconds')),
    ...validateNonNegative(spec.ordinals?.start, at.child('ordinals', 'start')),
    ...(!old && spec.serviceName ? validateDnsLabelField(spec.serviceName, at.child('serviceName')) : []),
    ...validateWorkloadSelector(spec.selector, 'statefulset', at.child('selector')),
  ];
  const matcher = matcherOrUndefined(spec.selector);
  if (!matcher) errors.push(invalidValue(at.child('selector'), selectorValue(spec.selector), ''));
  else {
    errors.push(...validateTemplateLabels(spec.template, matcher, at.child('template')));
    errors.push(...validateTemplate(effectiveTemplate(spec), old && effectiveTemplate(old), at.child('template')));
  }
  return [...errors, ...validateLongRunning(spec.template, 'StatefulSet', at.child('template'))];
}

const changeable = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;

export function validateStatefulSetChange(spec: StatefulSetSpec, old: StatefulSetSpec): FieldError[] {
  const fixed = (one: StatefulSetSpec): object => ({ ...one, ...Object.fromEntries(changeable.map((field) => [field, undefined])) });
  if (semanticEqual(fixed(spec), fixed(old))) return [];
  return [
    forbiddenField(
      path('spec'),
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

export function validateStatefulSetStatus(status: StatefulSetStatus, old: StatefulSetStatus | undefined): FieldError[] {
  return [
    ...validateCounts(status, ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount']),
    ...validateAtMost(status, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
    ...validateAtMost(status, ['availableReplicas'], 'readyReplicas', 'status.readyReplicas'),
    ...validateCollisionCount(status.collisionCount, old?.collisionCount),
  ];
}
