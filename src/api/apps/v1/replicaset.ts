import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { path } from '../../../apimachinery/fieldpath.ts';
import { formatLabelSelector } from '../../../apimachinery/selectors.ts';
import { validateImmutable, validateNonNegative } from '../../../apimachinery/validation/common.ts';
import { ageColumn, containerColumns, countColumn, nameColumn, wideColumn } from '../../columns.ts';
import { dropDisabledTemplateFields } from '../../core/v1/pod/create.ts';
import { setPodTemplateDefaults } from '../../core/v1/podtemplate/defaults.ts';
import { podTemplateWarnings } from '../../core/v1/podtemplate/warnings.ts';
import { selectorValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateReplicaTemplate } from './replicatemplate.ts';
import type { ReplicaSet, ReplicaSetSpec, ReplicaSetStatus } from './types.gen.ts';
import { nameWarnings, validateAtMost, validateCounts, validateWorkloadSelector } from './workload.ts';

export function setReplicaSetDefaults({ spec }: ReplicaSet): void {
  setPodTemplateDefaults(spec.template);
  spec.replicas ??= 1;
}

function validateSpec(spec: ReplicaSetSpec, old: ReplicaSetSpec | undefined): FieldError[] {
  const at = path('spec');
  return [
    ...validateNonNegative(spec.replicas, at.child('replicas')),
    ...validateNonNegative(spec.minReadySeconds, at.child('minReadySeconds')),
    // Upstream's message says so for this kind too.
    ...validateWorkloadSelector(spec.selector, 'deployment', at.child('selector')),
    ...validateReplicaTemplate(spec, old, at),
  ];
}

const validateStatus = (status: ReplicaSetStatus): FieldError[] => [
  ...validateCounts(status, ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas']),
  ...validateAtMost(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
  ...validateAtMost(status, ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
];

export const replicasets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.ReplicaSet',
  hasGeneration: true,
  setDefaults: setReplicaSetDefaults,
  prepareForCreate(replicaSet) {
    replicaSet.status = { replicas: 0 };
    dropDisabledTemplateFields(replicaSet.spec.template);
  },
  validate: ({ spec }) => validateSpec(spec, undefined),
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
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
    countColumn('Desired', ({ spec }) => spec.replicas),
    countColumn('Current', ({ status }) => status?.replicas),
    countColumn('Ready', ({ status }) => status?.readyReplicas),
    ageColumn,
    ...containerColumns<ReplicaSet>(({ spec }) => spec.template?.spec?.containers),
    wideColumn('Selector', ({ spec }) => formatLabelSelector(spec.selector)),
  ],
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: ({ status }) => (status ? validateStatus(status) : []) },
  },
});
