import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, path, required } from '../../../apimachinery/fieldpath.ts';
import { validateDnsSubdomainField } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import { validateFlowControlStatus } from './conditions.ts';
import { validateRules } from './flowschema/rules.ts';
import { validateMandatorySchema } from './mandatory.ts';
import type { FlowSchema } from './types.gen.ts';

const maxPrecedence = 10_000;
const defaultPrecedence = 1000;

function validateSchema(schema: FlowSchema): FieldError[] {
  const at = path('spec');
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = schema.spec;
  const precedenceAt = at.child('matchingPrecedence');
  const errors: FieldError[] = [];
  if (precedence <= 0) errors.push(invalidValue(precedenceAt, precedence, 'must be a positive value'));
  if (precedence > maxPrecedence) errors.push(invalidValue(precedenceAt, precedence, `must not be greater than ${maxPrecedence}`));
  if (precedence === 1 && schema.metadata.name !== 'exempt') {
    errors.push(invalidValue(precedenceAt, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  const methods = ['ByNamespace', 'ByUser'];
  if (distinguisherMethod && !methods.includes(distinguisherMethod.type)) {
    errors.push(
      notSupported(at.child('distinguisherMethod', 'type'), internalValue('io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod', distinguisherMethod), methods),
    );
  }
  const levelAt = at.child('priorityLevelConfiguration', 'name');
  const level = priorityLevelConfiguration?.name;
  errors.push(...(level ? validateDnsSubdomainField(level, levelAt) : [required(levelAt, 'must reference a priority level')]));
  errors.push(...rules.flatMap((rule, index) => validateRules(rule, at.child('rules').index(index))));
  return [...errors, ...validateMandatorySchema(schema), ...validateFlowControlStatus(schema)];
}

export const flowschemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  singular: 'flowschema',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.flowcontrol.v1.FlowSchema',
  hasGeneration: true,
  setDefaults({ spec }) {
    spec.matchingPrecedence ||= defaultPrecedence;
  },
  validate: validateSchema,
  validateUpdate: validateSchema,
  columns: [
    nameColumn,
    textColumn('PriorityLevel', ({ spec }) => spec.priorityLevelConfiguration?.name ?? ''),
    textColumn('MatchingPrecedence', ({ spec }) => spec.matchingPrecedence ?? 0),
    textColumn('DistinguisherMethod', ({ spec }) => spec.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    textColumn('MissingPL', ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?'),
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
