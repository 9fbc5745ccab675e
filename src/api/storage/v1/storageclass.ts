import { deepEqual } from '../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { duplicate, notSupported, path, required } from '../../../apimachinery/fieldpath.ts';
import { validateGiven, validateImmutable, validateLabelName } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { nodeLabelDeprecation } from '../../core/v1/node/labelwarnings.ts';
import type { TopologySelectorTerm } from '../../core/v1/types.gen.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateParameters, validateProvisioner } from './parameters.ts';
import type { StorageClass } from './types.gen.ts';

const fixed = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;

/** Claims that name no class get this one. */
export const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'].some((key) => metadata.annotations?.[key] === 'true');

function validateTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, at: FieldPath): FieldError[] {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key = '', values = [] }, index) => {
    const one = at.child('matchLabelExpressions').index(index);
    const errors = values.length === 0 ? [required(one.child('values'))] : [];
    errors.push(...values.flatMap((value, position) => (values.indexOf(value) < position ? duplicate(one.child('values').index(position), value) : [])));
    errors.push(...validateLabelName(key, one.child('key')));
    if (keys.has(key)) errors.push(duplicate(one.child('key'), key));
    keys.add(key);
    return errors;
  });
}

/** A term as what it selects, whatever the order. */
const meaning = ({ matchLabelExpressions = [] }: TopologySelectorTerm): Record<string, string[]> =>
  Object.fromEntries(matchLabelExpressions.map(({ key, values = [] }) => [key, [...new Set(values)].sort()]));

function validateTopologies(terms: readonly TopologySelectorTerm[], at: FieldPath): FieldError[] {
  return terms.flatMap((term, index) => {
    // Upstream compares with as many empty terms too as there are terms.
    const same = [...terms.map(() => ({})), ...terms.slice(0, index)].filter((other) => deepEqual(meaning(other), meaning(term)));
    return [...validateTerm(term, at.index(index)), ...same.map(() => duplicate(at.index(index).child('matchLabelExpressions'), ''))];
  });
}

function validateStorageClass(storageClass: StorageClass): FieldError[] {
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies = [] } = storageClass;
  const policies = ['Delete', 'Retain'];
  return [
    ...validateProvisioner(provisioner, path('provisioner')),
    ...validateParameters(parameters, true, path('parameters')),
    ...(reclaimPolicy && !policies.includes(reclaimPolicy) ? [notSupported('reclaimPolicy', reclaimPolicy, policies)] : []),
    ...validateGiven(volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], path('volumeBindingMode')),
    ...validateTopologies(allowedTopologies, path('allowedTopologies')),
  ];
}

export const storageclasses = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.StorageClass',
  returnsDeletedObject: true,
  setDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validate: validateStorageClass,
  validateUpdate: (storageClass, old) => [
    ...validateStorageClass(storageClass),
    ...fixed.flatMap((field) => validateImmutable(storageClass[field], old[field], path(field))),
  ],
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, index) =>
      matchLabelExpressions.flatMap(({ key }, position) => {
        const why = nodeLabelDeprecation(key);
        return why ? `allowedTopologies[${index}].matchLabelExpressions[${position}].key: ${why}` : [];
      }),
    ),
  columns: [
    { ...nameColumn, value: (storageClass) => `${storageClass.metadata.name}${isDefaultClass(storageClass) ? ' (default)' : ''}` },
    textColumn('Provisioner', ({ provisioner }) => provisioner),
    textColumn('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    textColumn('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    textColumn('AllowVolumeExpansion', ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false),
    ageColumn,
  ],
});
