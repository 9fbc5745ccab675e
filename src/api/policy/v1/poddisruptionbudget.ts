import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, path } from '../../../apimachinery/fieldpath.ts';
import { pathSegmentName } from '../../../apimachinery/names.ts';
import { hasInvalidLabelValue, validateLabelSelector } from '../../../apimachinery/selectors.ts';
import { validateAtMost100Percent, validateConditions, validateIntOrPercent, validateNonNegative } from '../../../apimachinery/validation/common.ts';
import { ageColumn, countColumn, nameColumn, textColumn } from '../../columns.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from './types.gen.ts';

function validateBudget({ spec = {} }: PodDisruptionBudget, old: PodDisruptionBudget | undefined): FieldError[] {
  const at = path('spec');
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.push(invalidValue(at, internalValue('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', spec), 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[field];
    if (value !== undefined) errors.push(...validateIntOrPercent(value, at.child(field)), ...validateAtMost100Percent(value, at.child(field)));
  }
  const allowInvalidLabelValueInSelector = hasInvalidLabelValue(old?.spec?.selector);
  errors.push(...validateLabelSelector(spec.selector, { allowInvalidLabelValueInSelector }, at.child('selector')));
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && policy !== 'IfHealthyBudget' && policy !== 'AlwaysAllow') {
    errors.push(notSupported(at.child('unhealthyPodEvictionPolicy'), policy, ['IfHealthyBudget', 'AlwaysAllow']));
  }
  return errors;
}

const validateStatus = (status: PodDisruptionBudgetStatus): FieldError[] => [
  ...validateConditions(status.conditions, path('status', 'conditions')),
  ...(['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap((field) =>
    validateNonNegative(status[field], path('status', field)),
  ),
];

export const poddisruptionbudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  verbs: allVerbs,
  // Upstream leaves its metadata to the checks of every kind.
  validateName: pathSegmentName,
  anyFinalizers: true,
  schema: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  prepareForCreate(budget) {
    budget.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate: (budget) => validateBudget(budget, undefined),
  validateUpdate: validateBudget,
  columns: [
    nameColumn,
    textColumn('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
    textColumn('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
    countColumn('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed),
    ageColumn,
  ],
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'], validateUpdate: ({ status }) => (status ? validateStatus(status) : []) },
  },
});
