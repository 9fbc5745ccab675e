/** Which requests a FlowSchema is about. Source of the rules: `pkg/apis/flowcontrol/validation`. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../../../apimachinery/fieldpath.ts';
import { validateDnsLabel, validateDnsSubdomain } from '../../../../apimachinery/names.ts';
import { checked, validateDnsLabelField } from '../../../../apimachinery/validation/common.ts';
import type { NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, ServiceAccountSubject, Subject } from '../types.gen.ts';

const verbs = ['get', 'list', 'create', 'update', 'delete', 'deletecollection', 'patch', 'watch', 'proxy'];
const subjectKinds = ['ServiceAccount', 'Group', 'User'];

function validateServiceAccount({ name, namespace }: ServiceAccountSubject, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(required(at.child('name')));
  else if (name !== '*') errors.push(...checked(name, at.child('name'), validateDnsSubdomain(name)));
  if (!namespace) return [...errors, required(at.child('namespace'), 'must specify namespace for service account')];
  return [...errors, ...validateDnsLabelField(namespace, at.child('namespace'))];
}

const members = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function validateSubject(subject: Subject, at: FieldPath): FieldError[] {
  const { kind } = subject;
  const own = members[kind as keyof typeof members];
  if (!own) return [notSupported(at.child('kind'), kind, subjectKinds)];
  const errors: FieldError[] = [];
  const value = subject[own];
  if (!value) errors.push(required(at.child(own), `${own} is required when subject kind is '${kind}'`));
  else if (own === 'serviceAccount') errors.push(...validateServiceAccount(value as ServiceAccountSubject, at.child(own)));
  else if (!value.name) errors.push(required(at.child(own, 'name')));
  for (const [otherKind, other] of Object.entries(members)) {
    if (other !== own && subject[other]) errors.push(forbiddenField(at.child(other), `${other} is forbidden when subject kind is not '${otherKind}'`));
  }
  return errors;
}

function validateVerbs(list: readonly string[], at: FieldPath): FieldError[] {
  if (list.length === 0) return [required(at, 'verbs must contain at least one value')];
  if (list.includes('*')) return list.length > 1 ? [invalidValue(at, list, "if '*' is present, must not specify other verbs")] : [];
  return list.every((verb) => verbs.includes(verb)) ? [] : [notSupported(at, list, verbs)];
}

/** A wildcard may only stand at the end. */
function urlError(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

function validateNonResource({ verbs: list = [], nonResourceURLs: urls = [] }: NonResourcePolicyRule, at: FieldPath): FieldError[] {
  const errors = validateVerbs(list, at.child('verbs'));
  const urlsAt = at.child('nonResourceURLs');
  if (urls.length === 0) return [...errors, required(urlsAt, 'nonResourceURLs must contain at least one value')];
  if (urls.includes('*')) {
    return urls.length > 1 ? [...errors, invalidValue(urlsAt, urls, "if '*' is present, must not specify other non-resource URLs")] : errors;
  }
  for (const [index, url] of urls.entries()) {
    const wrong = urlError(url);
    if (wrong !== undefined) errors.push(invalidValue(urlsAt.index(index), url, wrong));
  }
  return errors;
}

function validateAny(list: readonly string[], none: string, what: string, at: FieldPath): FieldError[] {
  if (list.length === 0) return [required(at, none)];
  return list.length > 1 && list.includes('*') ? [invalidValue(at, list, `if '*' is present, must not specify other ${what}`)] : [];
}

function validateNamespaces({ namespaces = [], clusterScope }: ResourcePolicyRule, at: FieldPath): FieldError[] {
  if (namespaces.length === 0 && !clusterScope) {
    return [required(at, 'resource rules that are not cluster scoped must supply at least one namespace')];
  }
  if (namespaces.includes('*')) {
    return namespaces.length > 1 ? [invalidValue(at, namespaces, "if '*' is present, must not specify other namespaces")] : [];
  }
  return namespaces.flatMap((name, index) =>
    validateDnsLabel(name).map((message) => invalidValue(at.index(index), name, `each member of this list must be '*' or a DNS-1123 label; ${message}`)),
  );
}

const validateResource = (rule: ResourcePolicyRule, at: FieldPath): FieldError[] => [
  ...validateVerbs(rule.verbs ?? [], at.child('verbs')),
  ...validateAny(rule.apiGroups ?? [], 'resource rules must supply at least one api group', 'api groups', at.child('apiGroups')),
  ...validateAny(rule.resources ?? [], 'resource rules must supply at least one resource', 'resources', at.child('resources')),
  ...validateNamespaces(rule, at.child('namespaces')),
];

export function validateRules({ subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, at: FieldPath): FieldError[] {
  const errors = subjects.flatMap((subject, index) => validateSubject(subject, at.child('subjects').index(index)));
  if (subjects.length === 0) errors.push(required(at.child('subjects'), 'subjects must contain at least one value'));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  return [
    ...errors,
    ...resourceRules.flatMap((rule, index) => validateResource(rule, at.child('resourceRules').index(index))),
    ...nonResourceRules.flatMap((rule, index) => validateNonResource(rule, at.child('nonResourceRules').index(index))),
  ];
}
