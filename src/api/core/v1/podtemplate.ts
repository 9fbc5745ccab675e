import { path } from '../../../apimachinery/fieldpath.ts';
import { containerColumns, labelsCell, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { dropDisabledFields } from './pod/create.ts';
import { setPodTemplateDefaults } from './podtemplate/defaults.ts';
import { validatePodTemplateSpec } from './podtemplate/validation.ts';
import { podTemplateWarnings } from './podtemplate/warnings.ts';
import type { PodTemplate, PodTemplateSpec } from './types.gen.ts';

const emptyTemplate = (): PodTemplateSpec => ({ spec: { containers: [] } });

export const podtemplates = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.PodTemplate',
  returnsDeletedObject: true,
  hasGeneration: true,
  setDefaults(object) {
    object.template ??= emptyTemplate();
    setPodTemplateDefaults(object.template);
  },
  prepareForCreate: ({ template }) => dropDisabledFields((template ?? emptyTemplate()).spec),
  prepareForUpdate: ({ template }, old) => dropDisabledFields((template ?? emptyTemplate()).spec, old.template?.spec),
  validate: ({ template }) => validatePodTemplateSpec(template ?? emptyTemplate(), path('template')),
  validateUpdate: ({ template }) => validatePodTemplateSpec(template ?? emptyTemplate(), path('template')),
  warnings: ({ template, metadata }, old) => (metadata.generation === old?.metadata.generation ? [] : podTemplateWarnings(template, path('template'))),
  columns: [
    nameColumn,
    ...containerColumns<PodTemplate>(({ template }) => template?.spec.containers).map((column) => ({ ...column, priority: 0 })),
    textColumn('Pod Labels', ({ template }) => labelsCell(template?.metadata?.labels)),
  ],
});
