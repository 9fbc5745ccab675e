/** The declaration of ReplicationController; its rules are in `replicationcontroller/`. */

import { path } from '../../../apimachinery/fieldpath.ts';
import { validateDnsLabel } from '../../../apimachinery/names.ts';
import { ageColumn, containerColumns, countColumn, labelsCell, nameColumn, wideColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { dropDisabledFields } from './pod/create.ts';
import { setPodTemplateDefaults } from './podtemplate/defaults.ts';
import { podTemplateWarnings } from './podtemplate/warnings.ts';
import { validateReplicationController, validateReplicationControllerStatus } from './replicationcontroller/validation.ts';
import type { ReplicationController } from './types.gen.ts';

/** Selector and labels are the template's, when there are none. */
function setDefaults(controller: ReplicationController): void {
  controller.spec ??= {};
  const { spec, metadata } = controller;
  spec.replicas ??= 1;
  const labels = spec.template?.metadata?.labels;
  if (labels) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  setPodTemplateDefaults(spec.template);
}

const nameAdvice = 'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended:';

function warnings({ metadata, spec }: ReplicationController, old: ReplicationController | undefined): string[] {
  const wrong = old ? [] : validateDnsLabel(metadata.name);
  const named = wrong.length > 0 ? [`${nameAdvice} [${wrong.join(' ')}]`] : [];
  return old?.metadata.generation === metadata.generation ? named : [...named, ...podTemplateWarnings(spec?.template, path('spec', 'template'))];
}

export const replicationcontrollers = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ReplicationController',
  garbageCollection: 'orphan',
  hasGeneration: true,
  setDefaults,
  prepareForCreate(controller) {
    controller.status = { replicas: 0 };
    if (controller.spec?.template) dropDisabledFields(controller.spec.template.spec);
  },
  prepareForUpdate({ spec }, old) {
    if (spec?.template) dropDisabledFields(spec.template.spec, old.spec?.template?.spec);
  },
  validate: validateReplicationController,
  validateUpdate: validateReplicationController,
  warnings,
  columns: [
    nameColumn,
    countColumn('Desired', ({ spec }) => spec?.replicas),
    countColumn('Current', ({ status }) => status?.replicas),
    countColumn('Ready', ({ status }) => status?.readyReplicas),
    ageColumn,
    ...containerColumns<ReplicationController>(({ spec }) => spec?.template?.spec.containers),
    wideColumn('Selector', ({ spec }) => labelsCell(spec?.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  subresources: {
    scale: { type: 'scale', specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.replicas', selectorPath: 'spec.selector' },
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: validateReplicationControllerStatus },
  },
});
