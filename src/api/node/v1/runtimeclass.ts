import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { duplicate, path, required } from '../../../apimachinery/fieldpath.ts';
import { validateLabels } from '../../../apimachinery/selectors.ts';
import { validateDnsLabelField, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { setResourceListDefaults } from '../../core/v1/podtemplate/resourcelist.ts';
import { validateOverhead } from '../../core/v1/podtemplate/validation/resources.ts';
import { validateTolerations } from '../../core/v1/podtemplate/validation/scheduling.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { RuntimeClass, Scheduling } from './types.gen.ts';

function validateScheduling({ nodeSelector, tolerations = [] }: Scheduling): FieldError[] {
  const at = path('scheduling', 'tolerations');
  const errors = [...validateLabels(nodeSelector, path('scheduling', 'nodeSelector')), ...validateTolerations(tolerations, at)];
  const seen = new Set<string>();
  for (const [index, toleration] of tolerations.entries()) {
    const { key, operator, value, effect } = toleration;
    const identity = JSON.stringify([key, operator, value, effect]);
    if (seen.has(identity)) errors.push(duplicate(at.index(index), internalValue('io.k8s.api.core.v1.Toleration', toleration)));
    seen.add(identity);
  }
  return errors;
}

const validateClass = ({ handler, overhead, scheduling }: RuntimeClass): FieldError[] => [
  ...(handler ? validateDnsLabelField(handler, path('handler')) : [required(path('handler'))]),
  ...(overhead ? validateOverhead(overhead.podFixed, path('overhead')) : []),
  ...(scheduling ? validateScheduling(scheduling) : []),
];

export const runtimeclasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  verbs: allVerbs,
  anyFinalizers: true,
  schema: 'io.k8s.api.node.v1.RuntimeClass',
  allowUnconditionalUpdate: false,
  setDefaults({ overhead }) {
    setResourceListDefaults(overhead?.podFixed);
  },
  validate: validateClass,
  validateUpdate: (runtimeClass, old) => [...validateClass(runtimeClass), ...validateImmutable(runtimeClass.handler, old.handler, path('handler'))],
  columns: [nameColumn, textColumn('Handler', ({ handler }) => handler), ageColumn],
});
