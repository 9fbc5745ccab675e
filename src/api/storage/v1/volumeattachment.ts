import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path, required, tooLong } from '../../../apimachinery/fieldpath.ts';
import { rangeError, subdomainName } from '../../../apimachinery/names.ts';
import { checked, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { validateVolumeSpec } from '../../core/v1/persistentvolume/validation.ts';
import { setResourceListDefaults } from '../../core/v1/podtemplate/resourcelist.ts';
import { validateCsiDriverName } from '../../core/v1/podtemplate/validation/networkdisks.ts';
import { setNetworkDiskDefaults } from '../../core/v1/podtemplate/volumedefaults.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { sizeOf } from './parameters.ts';
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from './types.gen.ts';

const longestMetadata = 256 * 1024;
const longestMessage = 1024;

function validateSource({ inlineVolumeSpec: inline, persistentVolumeName: name }: VolumeAttachmentSource, at: FieldPath): FieldError[] {
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inline && name !== undefined) return [forbiddenField(at, one)];
  if (inline) return validateVolumeSpec(inline, '', true, at.child('inlineVolumeSpec'));
  if (name === undefined) return [required(at, one)];
  return name === '' ? [required(at.child('persistentVolumeName'), 'must specify non empty persistentVolumeName')] : [];
}

function validateVolumeError(error: VolumeError | undefined, at: FieldPath): FieldError[] {
  const { message = '', errorCode } = error ?? {};
  // Upstream names the other limit.
  const errors = Buffer.byteLength(message) > longestMessage ? [tooLong(at.child('message'), longestMetadata)] : [];
  if (errorCode !== undefined && errorCode < 0) errors.push(invalidValue(at.child('errorCode'), errorCode, rangeError(0, 2 ** 31 - 1)));
  return errors;
}

function validateAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const at = path('spec');
  const statusPath = path('status');
  const { attacher, source = {}, nodeName = '' } = spec ?? {};
  const errors = [
    ...validateCsiDriverName(attacher, at.child('attacher')),
    ...validateSource(source, at.child('source')),
    ...checked(nodeName, at.child('nodeName'), subdomainName(nodeName, false)),
  ];
  if (sizeOf(status?.attachmentMetadata ?? {}) > longestMetadata) errors.push(tooLong(statusPath.child('attachmentMetadata'), longestMetadata));
  errors.push(...validateVolumeError(status?.attachError, statusPath.child('attachError')));
  errors.push(...validateVolumeError(status?.detachError, statusPath.child('detachError')));
  const name = source.persistentVolumeName;
  return name === undefined ? errors : [...errors, ...checked(name, path('spec.source.persistentVolumeName'), subdomainName(name, false))];
}

export const volumeattachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.VolumeAttachment',
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  setDefaults({ spec }) {
    const inline = spec?.source?.inlineVolumeSpec;
    if (!inline) return;
    setResourceListDefaults(inline.capacity);
    setNetworkDiskDefaults(inline);
  },
  prepareForCreate(attachment) {
    attachment.status = { attached: false };
  },
  validate: validateAttachment,
  validateUpdate: (attachment, old) => [
    ...validateAttachment(attachment),
    ...validateImmutable(attachment.spec, old.spec, path('spec'), (spec) => internalValue('io.k8s.api.storage.v1.VolumeAttachmentSpec', spec)),
  ],
  columns: [
    nameColumn,
    { ...textColumn('Attacher', ({ spec }) => spec.attacher), format: 'name' },
    textColumn('PV', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    textColumn('Node', ({ spec }) => spec.nodeName),
    { name: 'Attached', type: 'boolean', value: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate: keepMetadata,
      validateUpdate: (attachment, old) => [
        ...validateAttachment(attachment),
        ...validateImmutable(attachment.spec, old.spec, path('spec'), (spec) => internalValue('io.k8s.api.storage.v1.VolumeAttachmentSpec', spec)),
      ],
    },
  },
});
