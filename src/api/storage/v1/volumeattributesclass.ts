import { allVerbs, defineKind } from '../../kind.ts';
import { attributesClassColumns, validateAttributesClass, validateAttributesClassUpdate } from './attributesclass.ts';
import type { VolumeAttributesClass } from './types.gen.ts';

export const volumeattributesclasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  shortNames: ['vac'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.VolumeAttributesClass',
  returnsDeletedObject: true,
  validate: validateAttributesClass,
  validateUpdate: validateAttributesClassUpdate,
  columns: attributesClassColumns,
});
