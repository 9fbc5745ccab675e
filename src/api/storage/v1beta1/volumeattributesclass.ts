import { allVerbs, defineKind } from '../../kind.ts';
import { attributesClassColumns, validateAttributesClass, validateAttributesClassUpdate } from '../v1/attributesclass.ts';
import type { VolumeAttributesClass } from './types.gen.ts';

export const volumeattributesclasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1beta1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  shortNames: ['vac'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1beta1.VolumeAttributesClass',
  offByDefault: true,
  returnsDeletedObject: true,
  validate: validateAttributesClass,
  validateUpdate: validateAttributesClassUpdate,
  columns: attributesClassColumns,
});
