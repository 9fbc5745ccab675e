import { humanAge } from '../../../apimachinery/duration.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { path, tooMany } from '../../../apimachinery/fieldpath.ts';
import { validateConditions, validateDnsLabelField } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { validateTaint } from '../v1/validation/common.ts';
import { validateDriverName, validatePoolName } from '../v1/validation/names.ts';
import type { DeviceTaintRule } from './types.gen.ts';

const maxConditions = 8;

function validateRule({ spec }: DeviceTaintRule): FieldError[] {
  const at = path('spec');
  const selectorAt = at.child('deviceSelector');
  const { driver, pool, device } = spec.deviceSelector ?? {};
  return [
    ...(driver === undefined ? [] : validateDriverName(driver, selectorAt.child('driver'))),
    ...(pool === undefined ? [] : validatePoolName(pool, selectorAt.child('pool'))),
    ...(device === undefined ? [] : validateDnsLabelField(device, selectorAt.child('device'))),
    ...validateTaint(spec.taint ?? {}, at.child('taint')),
  ];
}

function validateStatus({ status }: DeviceTaintRule): FieldError[] {
  const at = path('status', 'conditions');
  const conditions = status?.conditions ?? [];
  return [...validateConditions(conditions, at), ...(conditions.length > maxConditions ? [tooMany(at, conditions.length, maxConditions)] : [])];
}

export const devicetaintrules = defineKind<DeviceTaintRule>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'DeviceTaintRule',
  plural: 'devicetaintrules',
  singular: 'devicetaintrule',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1beta2.DeviceTaintRule',
  offByDefault: true,
  returnsDeletedObject: true,
  hasGeneration: true,
  setDefaults({ spec }) {
    if (spec.taint) spec.taint.timeAdded ??= `${new Date().toISOString().slice(0, 19)}Z`;
  },
  prepareForCreate(rule) {
    rule.status = {};
  },
  validate: validateRule,
  validateUpdate: validateRule,
  columns: [
    nameColumn,
    textColumn('Key', ({ spec }) => spec.taint.key),
    textColumn('Value', ({ spec }) => spec.taint.value ?? ''),
    textColumn('Effect', ({ spec }) => spec.taint.effect),
    textColumn('TimeAdded', ({ spec }, now) => (spec.taint.timeAdded ? humanAge(spec.taint.timeAdded, now) : '')),
    ageColumn,
  ],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate: keepMetadata,
      validateUpdate: validateStatus,
    },
  },
});
