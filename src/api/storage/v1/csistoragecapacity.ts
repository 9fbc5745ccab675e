import { semanticEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { subdomainName } from '../../../apimachinery/names.ts';
import { validateLabelSelector } from '../../../apimachinery/selectors.ts';
import { checked, immutableMessage, validateNonNegativeQuantity } from '../../../apimachinery/validation/common.ts';
import { nodeLabelDeprecation } from '../../core/v1/node/labelwarnings.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { CSIStorageCapacity } from './types.gen.ts';

function validateCapacity({ nodeTopology, storageClassName = '', capacity }: CSIStorageCapacity): FieldError[] {
  return [
    ...validateLabelSelector(nodeTopology, {}, path('nodeTopology')),
    ...checked(storageClassName, path('storageClassName'), subdomainName(storageClassName, false)),
    ...(capacity === undefined ? [] : validateNonNegativeQuantity(String(capacity), path('capacity'))),
  ];
}

export const csistoragecapacities = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.CSIStorageCapacity',
  allowUnconditionalUpdate: false,
  validate: validateCapacity,
  validateUpdate: (capacity, old) => [
    ...validateCapacity(capacity),
    ...(semanticEqual(capacity.nodeTopology, old.nodeTopology) ? [] : [invalidValue('nodeTopology', capacity.nodeTopology, immutableMessage)]),
    ...(capacity.storageClassName === old.storageClassName ? [] : [invalidValue('storageClassName', capacity.storageClassName, immutableMessage)]),
  ],
  warnings: ({ nodeTopology }) => [
    ...(nodeTopology?.matchExpressions ?? []).flatMap(({ key }, index) => {
      const why = nodeLabelDeprecation(key);
      return why ? `nodeTopology.matchExpressions[${index}].key: ${key} is ${why}` : [];
    }),
    ...Object.keys(nodeTopology?.matchLabels ?? {}).flatMap((label) => {
      const why = nodeLabelDeprecation(label);
      return why ? `nodeTopology.matchLabels.${label}: ${why}` : [];
    }),
  ],
});
