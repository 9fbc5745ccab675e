/** What admission policies and their bindings must look like. Source of the rules: `pkg/apis/admissionregistration/validation`. */
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, notSupportedInOrder, path, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDns1035Label, validateDnsSubdomain, validatePathSegment } from '../../../../apimachinery/names.ts';
import { own } from '../../../../apimachinery/own.ts';
import { validateLabelSelector } from '../../../../apimachinery/selectors.ts';
import { checked, validateConditions, validateQualifiedNameField, validateReferenceName } from '../../../../apimachinery/validation/common.ts';
import { policyEnvironment, policyMessageEnvironment } from '../../expressions.ts';
import type {
  AuditAnnotation,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from '../types.gen.ts';
import { validateExpression, validateMatchConditions, validateVariablesNamed } from './expressions.ts';
import { failurePolicies, validateMatchResources, validateMutatingRules } from './rules.ts';
import { reinvocationPolicies } from './webhooks.ts';

const at = path('spec');
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const actions = ['Deny', 'Warn', 'Audit'];
const maxAuditAnnotations = 20;
const maxAuditExpressionLength = 5 * 1024;
const reserved = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '));

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind): FieldError[] {
  const kindAt = at.child('paramKind');
  const versionAt = kindAt.child('apiVersion');
  const errors: FieldError[] = [];
  const parts = apiVersion.split('/');
  if (apiVersion === '') errors.push(required(versionAt));
  else if (parts.length > 2) errors.push(invalidValue(versionAt, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else {
    const version = parts.at(-1) ?? '';
    const group = parts.length === 2 ? (parts[0] ?? '') : '';
    const wrongGroup = group === '' ? [] : validateDnsSubdomain(group);
    if (wrongGroup.length > 0) errors.push(invalidValue(versionAt, group, wrongGroup.join(',')));
    const wrongVersion = validateDns1035Label(version);
    if (version === '') errors.push(invalidValue(versionAt, apiVersion, 'version must be specified'));
    else if (wrongVersion.length > 0) errors.push(invalidValue(versionAt, version, wrongVersion.join(',')));
  }
  const wrongKind = validateDns1035Label(kind.toLowerCase());
  if (kind === '') errors.push(required(kindAt.child('kind')));
  else if (wrongKind.length > 0) {
    errors.push(invalidValue(kindAt.child('kind'), kind, `may have mixed case, but should otherwise match: ${wrongKind.join(',')}`));
  }
  return errors;
}

type PolicySpec = ValidatingAdmissionPolicy['spec'] | MutatingAdmissionPolicy['spec'];

/** What a policy's expressions may name. */
interface Scope {
  params: boolean;
  /** Absent: the policy has none, so there is nothing of that name. */
  variables: ReadonlySet<string> | undefined;
}

/** A variable without an expression is none for the expressions that follow; one that can't be compiled is. */
const namesOf = (variables: readonly Variable[]): ReadonlySet<string> =>
  new Set(variables.filter(({ expression = '' }) => expression.trim() !== '').map(({ name }) => name));

const scopeOf = ({ paramKind, variables = [] }: PolicySpec): Scope => ({
  params: paramKind !== undefined,
  variables: variables.length > 0 ? namesOf(variables) : undefined,
});

function validateScoped(expression: string, wanted: readonly string[] | undefined, { params, variables }: Scope, at: FieldPath): FieldError[] {
  const errors = validateExpression(expression, wanted, policyEnvironment(params), at);
  return errors.length > 0 ? errors : validateVariablesNamed(expression, variables, at);
}

function validateVariables(variables: readonly Variable[], params: boolean): FieldError[] {
  const known = new Set<string>();
  return variables.flatMap(({ name = '', expression = '' }, index) => {
    const scope = { params, variables: new Set(known) };
    const variableAt = at.child('variables').index(index);
    const errors: FieldError[] = [];
    if (name.trim() === '') errors.push(required(variableAt.child('name'), 'name is not specified'));
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name)) {
      errors.push(invalidValue(variableAt.child('name'), name, 'must be a valid CEL identifier'));
    }
    if (expression.trim() === '') return [...errors, required(variableAt.child('expression'), 'expression is not specified')];
    known.add(name);
    return [...errors, ...validateScoped(expression, undefined, scope, variableAt.child('expression'))];
  });
}

function validateValidation(validation: Validation, scope: Scope, one: FieldPath): FieldError[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  const errors: FieldError[] = [];
  if (expression.trim() === '') errors.push(required(one.child('expression'), 'expression is not specified'));
  else errors.push(...validateScoped(expression, ['bool'], scope, one.child('expression')));
  if (messageExpression !== '') {
    const messageAt = one.child('messageExpression');
    if (messageExpression.trim() === '') errors.push(invalidValue(messageAt, messageExpression, 'must be non-empty if specified'));
    else errors.push(...validateExpression(messageExpression, ['string'], policyMessageEnvironment(scope.params), messageAt));
  }
  if (message !== '' && message.trim() === '') errors.push(invalidValue(one.child('message'), message, 'must be non-empty if specified'));
  else if (/[\n\r]/.test(message.trim())) errors.push(invalidValue(one.child('message'), message, 'must not contain line breaks'));
  return reason === undefined || reasons.includes(reason) ? errors : [...errors, notSupported(one.child('reason'), reason, reasons)];
}

function validateAuditAnnotations(annotations: readonly AuditAnnotation[], policy: string, scope: Scope): FieldError[] {
  const listAt = at.child('auditAnnotations');
  const errors: FieldError[] = [];
  if (annotations.length > maxAuditAnnotations) {
    errors.push(invalidValue(listAt, annotations, `must not have more than ${maxAuditAnnotations} auditAnnotations`));
  }
  const seen = new Set<string>();
  for (const [index, { key = '', valueExpression = '' }] of annotations.entries()) {
    const keyAt = listAt.index(index).child('key');
    const valueAt = listAt.index(index).child('valueExpression');
    errors.push(...(policy === '' ? [invalidValue(keyAt, key, 'requires metadata.name be non-empty')] : validateQualifiedNameField(`${policy}/${key}`, keyAt)));
    const text = valueExpression.trim();
    if (text === '') errors.push(required(valueAt, 'valueExpression is not specified'));
    else if (text.length > maxAuditExpressionLength) errors.push(required(valueAt, `must not exceed ${maxAuditExpressionLength} bytes in length`));
    else errors.push(...validateScoped(valueExpression, ['string', 'null'], scope, valueAt));
    if (seen.has(key)) errors.push(duplicate(keyAt, key));
    seen.add(key);
  }
  return errors;
}

function validateCommon(spec: PolicySpec, old: PolicySpec | undefined): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables = [] } = spec;
  const errors: FieldError[] = [];
  if (failurePolicy === undefined) errors.push(required(at.child('failurePolicy')));
  else if (!failurePolicies.includes(failurePolicy)) errors.push(notSupported(at.child('failurePolicy'), failurePolicy, failurePolicies));
  if (paramKind) errors.push(...validateParamKind(paramKind));
  const matchAt = at.child('matchConstraints');
  if (!matchConstraints) errors.push(required(matchAt));
  else {
    errors.push(...validateMatchResources(matchConstraints, matchAt));
    if ((matchConstraints.resourceRules?.length ?? 0) === 0) errors.push(required(matchAt.child('resourceRules')));
  }
  const same = old && semanticEqual(paramKind, old.paramKind) && semanticEqual(matchConditions, old.matchConditions);
  if (!same) errors.push(...validateMatchConditions(matchConditions, paramKind !== undefined, at.child('matchConditions')));
  return [...errors, ...validateVariables(variables, paramKind !== undefined)];
}

/** `old` is the policy that stands, on an update. */
export function validateValidatingPolicy({ metadata, spec }: ValidatingAdmissionPolicy, old?: ValidatingAdmissionPolicy): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  const errors = validateCommon(spec, old?.spec);
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const rule = 'validations or auditAnnotations must contain at least one item';
    return [...errors, required(at.child('validations'), rule), required(at.child('auditAnnotations'), rule)];
  }
  const scope = scopeOf(spec);
  return [
    ...errors,
    ...validations.flatMap((validation, index) => validateValidation(validation, scope, at.child('validations').index(index))),
    ...validateAuditAnnotations(auditAnnotations, metadata.name, scope),
  ];
}

/** What is certainly no patch is refused; of what is built from variables nothing is known. */
function validateMutationResult(expression: string, wanted: string, scope: Scope, expressionAt: FieldPath): FieldError[] {
  const errors = validateScoped(expression, undefined, scope, expressionAt);
  if (errors.length > 0) return errors;
  const scalar = validateScoped(expression, ['__patch'], scope, expressionAt).find((error) =>
    /but got (int|uint|double|bool|string|bytes|null)$/.test(error.detail),
  );
  return scalar ? [invalidValue(expressionAt, expression, scalar.detail.replace('__patch', wanted))] : [];
}

function validateMutation({ patchType, jsonPatch, applyConfiguration }: Mutation, scope: Scope, one: FieldPath): FieldError[] {
  if (!patchType) return [required(one.child('patchType'))];
  const kinds = own({ JSONPatch: { jsonPatch, applyConfiguration }, ApplyConfiguration: { applyConfiguration, jsonPatch } }, patchType);
  if (!kinds) return [notSupported(one.child('patchType'), patchType, ['ApplyConfiguration', 'JSONPatch'])];
  const [[wanted, patch], [other, second]] = Object.entries(kinds) as [[string, typeof jsonPatch], [string, typeof jsonPatch]];
  const errors: FieldError[] = [];
  if (!patch) errors.push(required(one.child(wanted), `must be specified when patchType is ${patchType}`));
  else {
    const expression = (patch.expression ?? '').trim();
    const expressionAt = one.child(wanted, 'expression');
    errors.push(
      ...(expression === ''
        ? [required(expressionAt)]
        : validateMutationResult(expression, patchType === 'JSONPatch' ? 'list(JSONPatch)' : 'Object', scope, expressionAt)),
    );
  }
  if (second) errors.push(invalidValue(one.child(other), `{${other}}`, `must not be specified when patchType is ${patchType}`));
  return errors;
}

export function validateMutatingPolicy({ spec }: MutatingAdmissionPolicy, old?: MutatingAdmissionPolicy): FieldError[] {
  const { mutations = [], reinvocationPolicy = '' } = spec;
  const errors = [...validateCommon(spec, old?.spec), ...validateMutatingRules(spec.matchConstraints, at.child('matchConstraints'))];
  if (mutations.length === 0) errors.push(required(at.child('mutations'), 'mutations must contain at least one item'));
  errors.push(...mutations.flatMap((mutation, index) => validateMutation(mutation, scopeOf(spec), at.child('mutations').index(index))));
  if (reinvocationPolicy === '') errors.push(required(at.child('reinvocationPolicy')));
  else if (!reinvocationPolicies.includes(reinvocationPolicy)) {
    errors.push(notSupported(at.child('reinvocationPolicy'), reinvocationPolicy, reinvocationPolicies));
  }
  return errors;
}

function validateParamRef(reference: ParamRef | undefined): FieldError[] {
  if (!reference) return [];
  const { name, selector, parameterNotFoundAction: action } = reference;
  const refAt = at.child('paramRef');
  const both = 'name and selector are mutually exclusive';
  const errors: FieldError[] = [];
  if (name) {
    errors.push(...checked(name, refAt.child('name'), validatePathSegment(name)));
    if (selector) errors.push(forbiddenField(refAt.child('name'), both));
  }
  if (selector) {
    errors.push(...validateLabelSelector(selector, {}, refAt.child('selector')));
    if (name) errors.push(forbiddenField(refAt.child('selector'), both));
  }
  if (!name && !selector) errors.push(required(refAt, 'one of name or selector must be specified'));
  if (!action) errors.push(required(refAt.child('parameterNotFoundAction')));
  else if (action !== 'Deny' && action !== 'Allow') errors.push(notSupportedInOrder(refAt.child('parameterNotFoundAction'), action, ['Deny', 'Allow']));
  return errors;
}

function validateActions(chosen: readonly string[]): FieldError[] {
  const actionsAt = at.child('validationActions');
  const errors = chosen.flatMap((action, index) => [
    ...(actions.includes(action) ? [] : [notSupported(actionsAt.index(index), action, actions)]),
    ...(chosen.indexOf(action) < index ? [duplicate(actionsAt.index(index), action)] : []),
  ]);
  if (chosen.includes('Deny') && chosen.includes('Warn')) {
    const rule = 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalidValue(actionsAt, chosen, rule));
  }
  return chosen.length === 0 ? [...errors, required(actionsAt, 'at least one validation action is required')] : errors;
}

export const validateValidatingBinding = ({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] => [
  ...validateReferenceName(spec.policyName, at.child('policyName')),
  ...validateParamRef(spec.paramRef),
  ...validateMatchResources(spec.matchResources, at.child('matchResources')),
  ...validateActions(spec.validationActions ?? []),
];

export const validateMutatingBinding = ({ spec }: MutatingAdmissionPolicyBinding): FieldError[] => [
  ...validateReferenceName(spec.policyName, at.child('policyName')),
  ...validateParamRef(spec.paramRef),
  ...validateMatchResources(spec.matchResources, at.child('matchResources')),
  ...validateMutatingRules(spec.matchResources, at.child('matchResources')),
];

export function validatePolicyStatus({ status }: ValidatingAdmissionPolicy): FieldError[] {
  const warningsAt = path('status', 'typeChecking', 'expressionWarnings');
  const errors = (status?.typeChecking?.expressionWarnings ?? []).flatMap(({ warning, fieldRef = '' }, index) => [
    ...(warning ? [] : [required(warningsAt.index(index).child('warning'))]),
    ...(fieldRef.trim() === '' ? [required(warningsAt.index(index).child('fieldRef'))] : []),
  ]);
  return [...errors, ...validateConditions(status?.conditions, path('status', 'conditions'))];
}
