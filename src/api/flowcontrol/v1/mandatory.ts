/** What flow control can't do without: these objects stay as they are. Source: apiserver `flowcontrol/bootstrap`. */
import { semanticEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { internalValue } from '../../internalvalue.ts';
import type { FlowSchema, FlowSchemaSpec, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from './types.gen.ts';

const anything = (...groups: string[]): NonNullable<FlowSchemaSpec['rules']> => [
  {
    subjects: groups.map((name) => ({ kind: 'Group', group: { name } })),
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  },
];

export const mandatoryLevels: Readonly<Record<'exempt' | 'catch-all', PriorityLevelConfigurationSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } },
};

export const mandatorySchemas: Readonly<Record<'exempt' | 'catch-all', FlowSchemaSpec>> = {
  exempt: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1, rules: anything('system:masters') },
  'catch-all': {
    priorityLevelConfiguration: { name: 'catch-all' },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: 'ByUser' },
    rules: anything('system:unauthenticated', 'system:authenticated'),
  },
};

const isMandatory = (name: string): name is 'exempt' | 'catch-all' => name === 'exempt' || name === 'catch-all';

export function validateMandatorySchema({ metadata: { name }, spec }: FlowSchema): FieldError[] {
  if (!isMandatory(name) || semanticEqual(spec, mandatorySchemas[name])) return [];
  return [invalidValue(path('spec'), internalValue('io.k8s.api.flowcontrol.v1.FlowSchemaSpec', spec), `spec of '${name}' must equal the fixed value`)];
}

/** The shares of the exempt level are the administrator's. */
export function validateMandatoryLevel({ metadata: { name }, spec }: PriorityLevelConfiguration): FieldError[] {
  if (!isMandatory(name)) return [];
  const wanted = mandatoryLevels[name];
  if (semanticEqual(name === 'exempt' ? { ...spec, exempt: wanted.exempt } : spec, wanted)) return [];
  const detail =
    name === 'exempt' ? "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value" : `spec of '${name}' must equal the fixed value`;
  return [invalidValue(path('spec'), internalValue('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec', spec), detail)];
}
