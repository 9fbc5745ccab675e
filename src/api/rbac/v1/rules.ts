/** What the four kinds of this group share. Source of the rule: upstream's `rbac/validation`. */

import type { FieldError, FieldPath } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupportedInOrder, path, required } from '../../../apimachinery/fieldpath.ts';
import { subdomainName, validatePathSegment } from '../../../apimachinery/names.ts';
import { checked } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn, wideColumn } from '../../columns.ts';
import type { Column } from '../../kind.ts';
import type { ClusterRoleBinding, PolicyRule, RoleBinding, Subject } from './types.gen.ts';

const group = 'rbac.authorization.k8s.io';
type Binding = RoleBinding | ClusterRoleBinding;

function validateRule(rule: PolicyRule, namespaced: boolean, at: FieldPath): FieldError[] {
  const { verbs = [], nonResourceURLs: urls = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  const errors = verbs.length === 0 ? [required(at.child('verbs'), 'verbs must contain at least one value')] : [];
  if (urls.length > 0) {
    const field = at.child('nonResourceURLs');
    if (namespaced) errors.push(invalidValue(field, urls, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.push(invalidValue(field, urls, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return errors;
  }
  if (apiGroups.length === 0) errors.push(required(at.child('apiGroups'), 'resource rules must supply at least one api group'));
  if (resources.length === 0) errors.push(required(at.child('resources'), 'resource rules must supply at least one resource'));
  return errors;
}

export const validateRules = (rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] =>
  (rules ?? []).flatMap((rule, index) => validateRule(rule, namespaced, path('rules').index(index)));

export function setBindingDefaults(binding: Binding): void {
  if (binding.roleRef) binding.roleRef.apiGroup ||= group;
  for (const subject of binding.subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= group;
}

function validateSubject({ kind = '', name = '', apiGroup = '', namespace }: Subject, namespaced: boolean, at: FieldPath): FieldError[] {
  const errors = name === '' ? [required(at.child('name'))] : [];
  if (kind === 'User' || kind === 'Group') {
    return apiGroup === group ? errors : [...errors, notSupportedInOrder(at.child('apiGroup'), apiGroup, [group])];
  }
  if (kind !== 'ServiceAccount') return [...errors, notSupportedInOrder(at.child('kind'), kind, ['ServiceAccount', 'User', 'Group'])];
  if (name !== '') errors.push(...checked(name, at.child('name'), subdomainName(name, false)));
  if (apiGroup !== '') errors.push(notSupportedInOrder(at.child('apiGroup'), apiGroup, ['']));
  if (!namespaced && !namespace) errors.push(required(at.child('namespace')));
  return errors;
}

/** `kinds` are those of roles that it may refer to. */
export function validateBinding({ roleRef, subjects = [] }: Binding, kinds: readonly string[]): FieldError[] {
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  const at = path('roleRef');
  const errors = apiGroup === group ? [] : [notSupportedInOrder(at.child('apiGroup'), apiGroup, [group])];
  if (!kinds.includes(kind)) errors.push(notSupportedInOrder(at.child('kind'), kind, kinds));
  errors.push(...(name === '' ? [required(at.child('name'))] : checked(name, at.child('name'), validatePathSegment(name))));
  const namespaced = kinds.includes('Role');
  return [...errors, ...subjects.flatMap((subject, index) => validateSubject(subject, namespaced, path('subjects').index(index)))];
}

/** Who has the binding could grant anything by pointing it elsewhere, so it stays. */
export function validateBindingUpdate(binding: Binding, old: Binding, kinds: readonly string[]): FieldError[] {
  const same = (['apiGroup', 'kind', 'name'] as const).every((field) => binding.roleRef?.[field] === old.roleRef?.[field]);
  return [...validateBinding(binding, kinds), ...(same ? [] : [invalidValue('roleRef', internalRef(binding), 'cannot change roleRef')])];
}

/** As upstream prints its internal type. */
const internalRef = ({ roleRef }: Binding) => ({ APIGroup: roleRef.apiGroup ?? '', Kind: roleRef.kind, Name: roleRef.name });

const namesOf = ({ subjects = [] }: Binding, kind: string): string =>
  subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');

export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  textColumn('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wideColumn('Users', (binding) => namesOf(binding, 'User')),
  wideColumn('Groups', (binding) => namesOf(binding, 'Group')),
  wideColumn('ServiceAccounts', (binding) => namesOf(binding, 'ServiceAccount')),
];
