import { deepEqual, semanticEqual } from '../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../apimachinery/fieldpath.ts';
import { validateAtMost100Percent, validateImmutable, validateIntOrPercent, validateNonNegative } from '../../../apimachinery/validation/common.ts';
import { ageColumn, containerColumns, countColumn, nameColumn, textColumn, wideColumn } from '../../columns.ts';
import { dropDisabledTemplateFields } from '../../core/v1/pod/create.ts';
import { setPodTemplateDefaults } from '../../core/v1/podtemplate/defaults.ts';
import { podTemplateWarnings } from '../../core/v1/podtemplate/warnings.ts';
import { internalValue, selectorValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { selectorText, validateReplicaTemplate } from './replicatemplate.ts';
import type { Deployment, DeploymentSpec, DeploymentStatus, DeploymentStrategy, RollingUpdateDeployment } from './types.gen.ts';
import { nameWarnings, rolloutValue, validateAtMost, validateCollisionCount, validateCounts, validateWorkloadSelector } from './workload.ts';

export function setDeploymentDefaults({ spec }: Deployment): void {
  setPodTemplateDefaults(spec.template);
  spec.replicas ??= 1;
  spec.strategy ??= {};
  const { strategy } = spec;
  strategy.type ||= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= '25%';
    strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}

function validateRollingUpdate({ maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDeployment, at: FieldPath): FieldError[] {
  const errors = [...validateIntOrPercent(maxUnavailable, at.child('maxUnavailable')), ...validateIntOrPercent(maxSurge, at.child('maxSurge'))];
  if (rolloutValue(maxUnavailable) === 0 && rolloutValue(maxSurge) === 0) {
    errors.push(invalidValue(at.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  return [...errors, ...validateAtMost100Percent(maxUnavailable, at.child('maxUnavailable'))];
}

function validateStrategy(strategy: DeploymentStrategy, at: FieldPath): FieldError[] {
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate') {
    return rollingUpdate ? [forbiddenField(at.child('rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'")] : [];
  }
  if (type !== 'RollingUpdate') return [notSupported(at, internalValue('io.k8s.api.apps.v1.DeploymentStrategy', strategy), ['Recreate', 'RollingUpdate'])];
  if (!rollingUpdate) return [required(at.child('rollingUpdate'), 'this should be defaulted and never be nil')];
  return validateRollingUpdate(rollingUpdate, at.child('rollingUpdate'));
}

function validateSpec(spec: DeploymentSpec, old: DeploymentSpec | undefined): FieldError[] {
  const at = path('spec');
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  const errors = [
    ...validateNonNegative(spec.replicas, at.child('replicas')),
    ...validateWorkloadSelector(spec.selector, 'deployment', at.child('selector')),
    ...validateReplicaTemplate(spec, old, at),
    ...validateStrategy(spec.strategy ?? {}, at.child('strategy')),
    ...validateNonNegative(spec.minReadySeconds, at.child('minReadySeconds')),
    ...validateNonNegative(spec.revisionHistoryLimit, at.child('revisionHistoryLimit')),
    ...validateNonNegative(progressDeadlineSeconds, at.child('progressDeadlineSeconds')),
  ];
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    errors.push(invalidValue(at.child('progressDeadlineSeconds'), progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }
  return errors;
}

const counts = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
] as const;

function validateStatus(status: DeploymentStatus, old: DeploymentStatus): FieldError[] {
  return [
    ...validateCounts(status, counts),
    ...validateAtMost(status, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
    ...validateAtMost(status, ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
    ...validateCollisionCount(status.collisionCount, old.collisionCount),
  ];
}

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.Deployment',
  hasGeneration: true,
  setDefaults: setDeploymentDefaults,
  prepareForCreate(deployment) {
    deployment.status = {};
    dropDisabledTemplateFields(deployment.spec.template);
  },
  validate: ({ spec }) => validateSpec(spec, undefined),
  prepareForUpdate(deployment, old) {
    dropDisabledTemplateFields(deployment.spec.template, old.spec.template);
    // Annotations are copied to ReplicaSets, so a change to them is something to act on.
    if (!deepEqual(deployment.metadata.annotations ?? {}, old.metadata.annotations ?? {})) {
      deployment.metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
  },
  validateUpdate: ({ spec }, { spec: old }) => [
    ...validateSpec(spec, old),
    ...validateImmutable(spec.selector, old.selector, path('spec', 'selector'), selectorValue),
  ],
  warnings: ({ metadata, spec }, old) => [
    ...(old ? [] : nameWarnings(metadata.name)),
    ...(old?.metadata.generation === metadata.generation ? [] : podTemplateWarnings(spec.template, path('spec', 'template'))),
  ],
  columns: [
    nameColumn,
    textColumn('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    { ...countColumn<Deployment>('Up-to-date', ({ status }) => status?.updatedReplicas), type: 'string' },
    { ...countColumn<Deployment>('Available', ({ status }) => status?.availableReplicas), type: 'string' },
    ageColumn,
    ...containerColumns<Deployment>(({ spec }) => spec.template.spec?.containers),
    wideColumn('Selector', ({ spec }) => selectorText(spec.selector)),
  ],
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['spec', 'metadata.labels'],
      prepareForUpdate({ metadata }, old) {
        if (semanticEqual(metadata.labels, old.metadata.labels)) return;
        if (old.metadata.labels) metadata.labels = old.metadata.labels;
        else delete metadata.labels;
      },
      validateUpdate: ({ status = {} }, { status: old = {} }) => validateStatus(status, old),
    },
  },
});
