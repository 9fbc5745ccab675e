import { semanticEqual } from '../../../apimachinery/equality.ts';
import { badRequest } from '../../../apimachinery/errors.ts';
import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupportedInOrder, path, quote, required } from '../../../apimachinery/fieldpath.ts';
import { formatLabelSelector, hasInvalidLabelValue, validateLabelSelector } from '../../../apimachinery/selectors.ts';
import { validateAtMost100Percent, validateImmutable, validateIntOrPercent, validateNonNegative } from '../../../apimachinery/validation/common.ts';
import { ageColumn, containerColumns, countColumn, labelsCell, nameColumn, textColumn, wideColumn } from '../../columns.ts';
import { dropDisabledTemplateFields } from '../../core/v1/pod/create.ts';
import { setPodTemplateDefaults } from '../../core/v1/podtemplate/defaults.ts';
import { podTemplateWarnings } from '../../core/v1/podtemplate/warnings.ts';
import { internalValue, selectorValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateTemplate } from './template.ts';
import type { DaemonSet, DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from './types.gen.ts';
import { isEmptySelector, matcherOrUndefined, rolloutValue, validateCollisionCount, validateCounts, validateLongRunning } from './workload.ts';

/** Counts changes of the template; kept for clients that knew it as a field. */
const templateGenerationAnnotation = 'deprecated.daemonset.template.generation';

export function setDaemonSetDefaults(daemonSet: DaemonSet): void {
  const { spec } = daemonSet;
  setPodTemplateDefaults(spec.template);
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  strategy.type ||= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= 1;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  setTemplateGeneration(daemonSet, templateGenerationOf(daemonSet));
}

function templateGenerationOf({ metadata }: DaemonSet): number {
  const text = metadata.annotations?.[templateGenerationAnnotation] ?? '0';
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw badRequest(`DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGenerationAnnotation]: String(generation) };
}

function validateRollingUpdate({ maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDaemonSet, at: FieldPath): FieldError[] {
  const unavailableAt = at.child('maxUnavailable');
  const surgeAt = at.child('maxSurge');
  const errors = [
    ...validateIntOrPercent(maxUnavailable, unavailableAt),
    ...validateIntOrPercent(maxSurge, surgeAt),
    ...validateAtMost100Percent(maxUnavailable, unavailableAt),
    ...validateAtMost100Percent(maxSurge, surgeAt),
  ];
  const unavailable = rolloutValue(maxUnavailable) !== 0;
  const surge = rolloutValue(maxSurge) !== 0;
  if (unavailable && surge) errors.push(invalidValue(surgeAt, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  else if (!unavailable && !surge) errors.push(required(unavailableAt, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

function validateUpdateStrategy(strategy: DaemonSetUpdateStrategy, at: FieldPath): FieldError[] {
  if (strategy.type === 'OnDelete') return [];
  if (strategy.type !== 'RollingUpdate')
    return [notSupportedInOrder(at, internalValue('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', strategy), ['RollingUpdate', 'OnDelete'])];
  if (!strategy.rollingUpdate) return [required(at.child('rollingUpdate'))];
  return validateRollingUpdate(strategy.rollingUpdate, at.child('rollingUpdate'));
}

function validateSpec(spec: DaemonSetSpec, old: DaemonSetSpec | undefined): FieldError[] {
  const at = path('spec');
  const { selector, template } = spec;
  const errors = validateLabelSelector(selector, { allowInvalidLabelValueInSelector: hasInvalidLabelValue(old?.selector) }, at.child('selector'));
  const matcher = matcherOrUndefined(selector);
  const labels = template.metadata?.labels;
  if (matcher && !matcher.matches(labels)) {
    errors.push(invalidValue(at.child('template', 'metadata', 'labels'), labels, '`selector` does not match template `labels`'));
  }
  if (selector && isEmptySelector(selector))
    errors.push(invalidValue(at.child('selector'), selectorValue(selector), 'empty selector is invalid for daemonset'));
  return [
    ...errors,
    ...validateTemplate(template, old?.template, at.child('template')),
    ...validateLongRunning(template, 'DaemonSet', at.child('template')),
    ...validateNonNegative(spec.minReadySeconds, at.child('minReadySeconds')),
    ...validateUpdateStrategy(spec.updateStrategy ?? {}, at.child('updateStrategy')),
    ...validateNonNegative(spec.revisionHistoryLimit, at.child('revisionHistoryLimit')),
  ];
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

const validateStatus = (status: DaemonSetStatus, old: DaemonSetStatus | undefined): FieldError[] => [
  ...validateCounts(status, counts),
  ...validateCollisionCount(status.collisionCount, old?.collisionCount),
];

export const daemonsets = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.DaemonSet',
  hasGeneration: true,
  setDefaults: setDaemonSetDefaults,
  prepareForCreate(daemonSet) {
    daemonSet.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
    dropDisabledTemplateFields(daemonSet.spec.template);
    setTemplateGeneration(daemonSet, Math.max(templateGenerationOf(daemonSet), 1));
  },
  validate: ({ spec }) => validateSpec(spec, undefined),
  prepareForUpdate(daemonSet, old) {
    dropDisabledTemplateFields(daemonSet.spec.template, old.spec.template);
    const changed = !semanticEqual(daemonSet.spec.template, old.spec.template);
    setTemplateGeneration(daemonSet, templateGenerationOf(old) + (changed ? 1 : 0));
  },
  validateUpdate: ({ spec }, { spec: old }) => [
    ...validateImmutable(spec.selector, old.selector, path('spec', 'selector'), selectorValue),
    ...validateSpec(spec, old),
  ],
  warnings: ({ metadata, spec }, old) => (old?.metadata.generation === metadata.generation ? [] : podTemplateWarnings(spec.template, path('spec', 'template'))),
  columns: [
    nameColumn,
    countColumn('Desired', ({ status }) => status?.desiredNumberScheduled),
    countColumn('Current', ({ status }) => status?.currentNumberScheduled),
    countColumn('Ready', ({ status }) => status?.numberReady),
    countColumn('Up-to-date', ({ status }) => status?.updatedNumberScheduled),
    countColumn('Available', ({ status }) => status?.numberAvailable),
    textColumn('Node Selector', ({ spec }) => labelsCell(spec.template.spec?.nodeSelector)),
    ageColumn,
    ...containerColumns<DaemonSet>(({ spec }) => spec.template.spec?.containers),
    wideColumn('Selector', ({ spec }) => formatLabelSelector(spec.selector)),
  ],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      validateUpdate: ({ status }, { status: old }) => (status ? validateStatus(status, old) : []),
    },
  },
});
