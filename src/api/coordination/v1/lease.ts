import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateStrategy } from '../strategy.ts';
import type { Lease } from './types.gen.ts';

/** Coordinated leader election is alpha upstream, and off. */
function dropCoordination({ spec }: Lease, old?: Lease): void {
  if (!spec) return;
  if (old?.spec?.strategy === undefined) delete spec.strategy;
  if (old?.spec?.preferredHolder === undefined) delete spec.preferredHolder;
}

function validateLease({ spec = {} }: Lease): FieldError[] {
  const at = path('spec');
  const { leaseDurationSeconds: seconds, leaseTransitions: transitions, strategy, preferredHolder } = spec;
  const errors: FieldError[] = [];
  if (seconds !== undefined && seconds <= 0) errors.push(invalidValue(at.child('leaseDurationSeconds'), seconds, 'must be greater than 0'));
  if (transitions !== undefined && transitions < 0) {
    errors.push(invalidValue(at.child('leaseTransitions'), transitions, 'must be greater than or equal to 0'));
  }
  if (strategy !== undefined) errors.push(...validateStrategy(strategy, at.child('strategy')));
  if (preferredHolder && !strategy) errors.push(forbiddenField(at.child('preferredHolder'), 'may only be specified if `strategy` is defined'));
  return errors;
}

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.coordination.v1.Lease',
  anyFinalizers: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  prepareForCreate: (lease) => dropCoordination(lease),
  prepareForUpdate: dropCoordination,
  validate: validateLease,
  validateUpdate: validateLease,
  columns: [nameColumn, textColumn('Holder', ({ spec }) => spec?.holderIdentity ?? ''), ageColumn],
});
