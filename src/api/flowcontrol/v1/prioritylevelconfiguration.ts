import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, path, required } from '../../../apimachinery/fieldpath.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { validateFlowControlStatus } from './conditions.ts';
import { validateMandatoryLevel } from './mandatory.ts';
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, QueuingConfiguration } from './types.gen.ts';

const defaultShares = 30;
const maxQueues = 10_000_000;
/** A hand of queues is dealt from one hash of so many bits. */
const maxHashBits = 60;

function setLevelDefaults({ spec }: PriorityLevelConfiguration): void {
  const { exempt, limited } = spec;
  if (exempt) {
    exempt.nominalConcurrencyShares ??= 0;
    exempt.lendablePercent ??= 0;
  }
  if (!limited) return;
  limited.nominalConcurrencyShares ??= defaultShares;
  limited.lendablePercent ??= 0;
  const queuing = limited.limitResponse?.queuing;
  if (!queuing) return;
  queuing.handSize ||= 8;
  queuing.queues ||= 64;
  queuing.queueLengthLimit ||= 50;
}

function requiredBits(queues: number, handSize: number): number {
  let bits = 0;
  for (let dealt = 0; dealt < handSize; dealt++) bits += Math.log2(queues - dealt);
  return Math.ceil(bits);
}

function validateQueuing({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalidValue(at.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalidValue(at.child('queues'), queues, 'must be positive'));
  else if (queues > maxQueues) errors.push(invalidValue(at.child('queues'), queues, `must not be greater than ${maxQueues}`));
  const handAt = at.child('handSize');
  if (handSize <= 0) errors.push(invalidValue(handAt, handSize, 'must be positive'));
  else if (handSize > queues) errors.push(invalidValue(handAt, handSize, `should not be greater than queues (${queues})`));
  else if (requiredBits(queues, handSize) > maxHashBits) {
    const rule = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`;
    errors.push(invalidValue(handAt, handSize, rule));
  }
  return errors;
}

function validateResponse({ type, queuing }: LimitResponse, at: FieldPath): FieldError[] {
  const queuingAt = at.child('queuing');
  if (type === 'Reject') return queuing ? [forbiddenField(queuingAt, 'must be nil if limited.limitResponse.type is not Limited')] : [];
  if (type !== 'Queue') return [notSupported(at.child('type'), type ?? '', ['Queue', 'Reject'])];
  return queuing ? validateQueuing(queuing, queuingAt) : [required(queuingAt, 'must not be empty if limited.limitResponse.type is Limited')];
}

function validateShares(level: { nominalConcurrencyShares?: number | undefined; lendablePercent?: number | undefined }, at: FieldPath): FieldError[] {
  const { nominalConcurrencyShares: shares, lendablePercent: lendable } = level;
  const errors: FieldError[] = [];
  if (shares !== undefined && shares < 0) errors.push(invalidValue(at.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer'));
  if (lendable !== undefined && (lendable < 0 || lendable > 100)) {
    errors.push(invalidValue(at.child('lendablePercent'), lendable, 'must be between 0 and 100, inclusive'));
  }
  return errors;
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, at: FieldPath): FieldError[] {
  const { borrowingLimitPercent: borrowing, limitResponse } = limited;
  const { nominalConcurrencyShares, lendablePercent } = limited;
  const errors = [
    ...validateShares({ nominalConcurrencyShares }, at),
    ...validateResponse(limitResponse ?? { type: '' }, at.child('limitResponse')),
    ...validateShares({ lendablePercent }, at),
  ];
  if (borrowing !== undefined && borrowing < 0) {
    errors.push(invalidValue(at.child('borrowingLimitPercent'), borrowing, 'if specified, must be a non-negative integer'));
  }
  return errors;
}

function validateLevel(level: PriorityLevelConfiguration): FieldError[] {
  const at = path('spec');
  const { type, exempt, limited } = level.spec;
  const errors: FieldError[] = [];
  if ((level.metadata.name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalidValue(at.child('type'), type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === 'Exempt') {
    if (limited) errors.push(forbiddenField(at.child('limited'), 'must be nil if the type is not Limited'));
    if (exempt) errors.push(...validateShares(exempt, at.child('exempt')));
  } else if (type === 'Limited') {
    if (exempt) errors.push(forbiddenField(at.child('exempt'), 'must be nil if the type is Limited'));
    errors.push(...(limited ? validateLimited(limited, at.child('limited')) : [required(at.child('limited'), 'must not be empty when type is Limited')]));
  } else errors.push(notSupported(at.child('type'), type, ['Exempt', 'Limited']));
  return [...errors, ...validateMandatoryLevel(level), ...validateFlowControlStatus(level)];
}

const queuingOf = ({ spec }: PriorityLevelConfiguration): QueuingConfiguration | undefined => spec.limited?.limitResponse?.queuing;

export const prioritylevelconfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  hasGeneration: true,
  setDefaults: setLevelDefaults,
  validate: validateLevel,
  validateUpdate: validateLevel,
  columns: [
    nameColumn,
    textColumn('Type', ({ spec }) => spec.type),
    textColumn('NominalConcurrencyShares', ({ spec }) => spec.limited?.nominalConcurrencyShares ?? '<none>'),
    textColumn('Queues', (level) => queuingOf(level)?.queues ?? '<none>'),
    textColumn('HandSize', (level) => queuingOf(level)?.handSize ?? '<none>'),
    textColumn('QueueLengthLimit', (level) => queuingOf(level)?.queueLengthLimit ?? '<none>'),
    ageColumn,
  ],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['metadata', 'spec'],
      prepareForUpdate: keepMetadata,
      validateUpdate: validateFlowControlStatus,
    },
  },
});
