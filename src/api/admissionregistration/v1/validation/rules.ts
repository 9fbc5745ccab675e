/** Rules that say which requests a webhook or policy is about. Source of the rules: `pkg/apis/admissionregistration/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import { validatePathSegment } from '../../../../apimachinery/names.ts';
import { validateLabelSelector } from '../../../../apimachinery/selectors.ts';
import { checked } from '../../../../apimachinery/validation/common.ts';
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../types.gen.ts';

export const failurePolicies = ['Ignore', 'Fail'];
export const matchPolicies = ['Exact', 'Equivalent'];
const scopes = ['Cluster', 'Namespaced', '*'];
const operations = ['*', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT'];
/** What can be changed on its way: a deletion has nothing to change. */
const mutatingOperations = ['*', 'CREATE', 'UPDATE', 'CONNECT'];

/** Names with and without subresources, either of which may be a wildcard. */
function validateResources(resources: readonly string[], at: FieldPath): FieldError[] {
  const errors: FieldError[] = resources.length === 0 ? [required(at)] : [];
  const anySubresourceOf = new Set<string>();
  const anyResourceWith = new Set<string>();
  let plain = false;
  for (const [index, text] of resources.entries()) {
    if (text === '') {
      errors.push(required(at.index(index)));
      continue;
    }
    const slash = text.indexOf('/');
    if (slash < 0) {
      plain = text !== '*';
      continue;
    }
    const resource = text.slice(0, slash);
    const subresource = text.slice(slash + 1);
    if (anySubresourceOf.has(resource)) errors.push(invalidValue(at.index(index), text, `if '${resource}/*' is present, must not specify ${text}`));
    if (anyResourceWith.has(subresource)) errors.push(invalidValue(at.index(index), text, `if '*/${subresource}' is present, must not specify ${text}`));
    if (subresource === '*') anySubresourceOf.add(resource);
    if (resource === '*') anyResourceWith.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) errors.push(invalidValue(at, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && plain) {
    errors.push(invalidValue(at, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return errors;
}

function validateList(values: readonly string[], what: string, mayBeEmpty: boolean, at: FieldPath): FieldError[] {
  const errors: FieldError[] = values.length === 0 ? [required(at)] : [];
  if (values.length > 1 && values.includes('*')) errors.push(invalidValue(at, values, `if '*' is present, must not specify other ${what}`));
  if (mayBeEmpty) return errors;
  return [...errors, ...values.flatMap((value, index) => (value === '' ? [required(at.index(index))] : []))];
}

export function validateRule(rule: RuleWithOperations, at: FieldPath): FieldError[] {
  const { operations: ops = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const opsAt = at.child('operations');
  return [
    ...validateList(ops, 'operations', true, opsAt),
    ...ops.flatMap((operation, index) => (operations.includes(operation) ? [] : [notSupported(opsAt.index(index), operation, operations)])),
    ...validateList(apiGroups, 'API groups', true, at.child('apiGroups')),
    ...validateList(apiVersions, 'API versions', false, at.child('apiVersions')),
    ...validateResources(resources, at.child('resources')),
    ...(scope === undefined || scopes.includes(scope) ? [] : [notSupported(at.child('scope'), scope, scopes)]),
  ];
}

function validateNamedRule(rule: NamedRuleWithOperations, at: FieldPath): FieldError[] {
  const seen = new Set<string>();
  const errors = (rule.resourceNames ?? []).flatMap((name, index) => {
    const nameAt = at.child('resourceNames').index(index);
    const found = checked(name, nameAt, validatePathSegment(name));
    if (seen.has(name)) found.push(duplicate(nameAt, name));
    seen.add(name);
    return found;
  });
  return [...errors, ...validateRule(rule, at)];
}

export function validateMatchResources(match: MatchResources | undefined, at: FieldPath): FieldError[] {
  if (!match) return [];
  const { matchPolicy, namespaceSelector, objectSelector } = match;
  const errors: FieldError[] = [];
  if (matchPolicy === undefined) errors.push(required(at.child('matchPolicy')));
  else if (!matchPolicies.includes(matchPolicy)) errors.push(notSupported(at.child('matchPolicy'), matchPolicy, matchPolicies));
  const selectors = { namespaceSelector, objectSelector };
  for (const [field, selector] of Object.entries(selectors)) {
    errors.push(...(selector ? validateLabelSelector(selector, {}, at.child(field)) : [required(at.child(field))]));
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    errors.push(...(match[field] ?? []).flatMap((rule, index) => validateNamedRule(rule, at.child(field).index(index))));
  }
  return errors;
}

/** `at` is the path of the resources. */
export function validateMutatingRules(match: MatchResources | undefined, at: FieldPath): FieldError[] {
  const asked = (match?.resourceRules ?? []).flatMap(({ operations: ops = [] }) => ops);
  return asked.flatMap((operation) =>
    mutatingOperations.includes(operation) ? [] : [notSupported(at.child('resourceRules', 'operations'), operation, mutatingOperations)],
  );
}
