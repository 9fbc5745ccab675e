import { semanticEqual } from '../../../apimachinery/equality.ts';
import { path } from '../../../apimachinery/fieldpath.ts';
import { validateDnsLabel } from '../../../apimachinery/names.ts';
import { ageColumn, containerColumns, nameColumn, textColumn } from '../../columns.ts';
import { dropDisabledTemplateFields } from '../../core/v1/pod/create.ts';
import { setPodTemplateDefaults } from '../../core/v1/podtemplate/defaults.ts';
import { setClaimSpecDefaults } from '../../core/v1/podtemplate/volumedefaults.ts';
import { podTemplateWarnings } from '../../core/v1/podtemplate/warnings.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateStatefulSetChange, validateStatefulSetSpec, validateStatefulSetStatus } from './statefulset/validation.ts';
import type { StatefulSet } from './types.gen.ts';

export function setStatefulSetDefaults({ spec }: StatefulSet): void {
  setPodTemplateDefaults(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1';
    claim.kind = 'PersistentVolumeClaim';
    setClaimSpecDefaults(claim.spec);
    claim.status = { ...claim.status, phase: claim.status?.phase || 'Pending' };
  }
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  if (!strategy.type) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
}

export const statefulsets = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.StatefulSet',
  hasGeneration: true,
  validateName: (name, isPrefix) => validateDnsLabel(isPrefix && name.endsWith('-') && name.length > 1 ? `${name.slice(0, -2)}a` : name),
  setDefaults: setStatefulSetDefaults,
  prepareForCreate(set) {
    set.status = { replicas: 0, availableReplicas: 0 };
    dropDisabledTemplateFields(set.spec.template);
  },
  validate: ({ spec }) => validateStatefulSetSpec(spec, undefined, path('spec')),
  prepareForUpdate(set, old) {
    dropDisabledTemplateFields(set.spec.template, old.spec.template);
  },
  validateUpdate: ({ spec }, { spec: old }) => [
    ...(semanticEqual(spec, old) ? [] : validateStatefulSetSpec(spec, old, path('spec'))),
    ...validateStatefulSetChange(spec, old),
  ],
  warnings: ({ metadata, spec }, old) => [
    ...(old?.metadata.generation === metadata.generation ? [] : podTemplateWarnings(spec.template, path('spec', 'template'))),
    ...((spec.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ],
  columns: [
    nameColumn,
    textColumn('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    ageColumn,
    ...containerColumns<StatefulSet>(({ spec }) => spec.template.spec?.containers),
  ],
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      validateUpdate: ({ status }, { status: old }) => (status ? validateStatefulSetStatus(status, old) : []),
    },
  },
});
