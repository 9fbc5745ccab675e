import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, path } from '../../../apimachinery/fieldpath.ts';
import { own } from '../../../apimachinery/own.ts';
import { validateEnumInOrder, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { ageColumn, countColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { PriorityClass } from './types.gen.ts';

/** Priorities above it are the system's. */
const highestUserPriority = 1_000_000_000;
const systemPrefix = 'system-';
const systemValues: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };

function systemClassError({ metadata: { name }, value = 0, globalDefault = false }: PriorityClass): string | undefined {
  const wanted = own(systemValues, name);
  if (wanted === undefined) return `${name} is not a known system priority class`;
  if (value !== wanted) return `value of ${name} PriorityClass must be ${wanted}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function validateClass(priorityClass: PriorityClass): FieldError[] {
  const { metadata, value = 0, preemptionPolicy } = priorityClass;
  const errors: FieldError[] = [];
  if (metadata.name.startsWith(systemPrefix)) {
    const wrong = systemClassError(priorityClass);
    const rule = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${wrong}`;
    if (wrong !== undefined) errors.push(forbiddenField(path('metadata', 'name'), rule));
  } else if (value > highestUserPriority) {
    errors.push(forbiddenField(path('value'), `maximum allowed value of a user defined priority is ${highestUserPriority}`));
  }
  if (preemptionPolicy === undefined) return errors;
  return [...errors, ...validateEnumInOrder(preemptionPolicy, ['PreemptLowerPriority', 'Never'], path('preemptionPolicy'))];
}

export const priorityclasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.scheduling.v1.PriorityClass',
  setDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  prepareForCreate({ metadata }) {
    metadata.generation = 1;
  },
  validate: validateClass,
  validateUpdate: (priorityClass, old) => [
    ...((priorityClass.value ?? 0) === (old.value ?? 0) ? [] : [forbiddenField(path('value'), 'may not be changed in an update.')]),
    ...validateImmutable(priorityClass.preemptionPolicy, old.preemptionPolicy, path('preemptionPolicy')),
  ],
  columns: [
    nameColumn,
    countColumn('Value', ({ value }) => value),
    { name: 'Global-Default', type: 'boolean', value: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    textColumn('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
});
