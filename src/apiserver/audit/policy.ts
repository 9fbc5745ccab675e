/** Which requests are recorded, and how fully: `audit.k8s.io/v1 Policy`. */
import { type FieldError, type FieldPath, invalidValue, notSupportedInOrder, path, required } from '../../apimachinery/fieldpath.ts';
import { validateDnsSubdomain } from '../../apimachinery/names.ts';
import { pathMatches } from '../authorization/rules.ts';
import type { FileKind } from '../configuration/load.ts';
import { boolean, listOf, mapOf, object, root, string } from '../configuration/types.ts';
import type { AuthorizationAttributes } from '../contracts.ts';

const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;

export type AuditLevel = (typeof levels)[number];
export type AuditStage = (typeof stages)[number];

export interface AuditRule {
  level: AuditLevel;
  users?: readonly string[];
  userGroups?: readonly string[];
  verbs?: readonly string[];
  resources?: readonly { group?: string; resources?: readonly string[]; resourceNames?: readonly string[] }[];
  /** `''` stands for resources of the cluster. */
  namespaces?: readonly string[];
  nonResourceURLs?: readonly string[];
  omitStages?: readonly AuditStage[];
  omitManagedFields?: boolean;
}

export interface AuditPolicy {
  rules: readonly AuditRule[];
  omitStages?: readonly AuditStage[];
  omitManagedFields?: boolean;
}

const struct = root('Policy', {
  metadata: object('ObjectMeta', { name: string, namespace: string, labels: mapOf(string), annotations: mapOf(string), creationTimestamp: string }),
  rules: listOf(
    object('PolicyRule', {
      level: string,
      users: listOf(string),
      userGroups: listOf(string),
      verbs: listOf(string),
      resources: listOf(object('GroupResources', { group: string, resources: listOf(string), resourceNames: listOf(string) })),
      namespaces: listOf(string),
      nonResourceURLs: listOf(string),
      omitStages: listOf(string),
      omitManagedFields: boolean,
    }),
  ),
  omitStages: listOf(string),
  omitManagedFields: boolean,
});

const checkStages = (given: readonly string[] | undefined, at: FieldPath): FieldError[] =>
  (given ?? []).flatMap((stage, index) =>
    (stages as readonly string[]).includes(stage) ? [] : [invalidValue(at.index(index), stage, `allowed stages are ${stages.join(',')}`)],
  );

function checkUrls(urls: readonly string[] | undefined, at: FieldPath): FieldError[] {
  return (urls ?? []).flatMap((url, index) => {
    if (url === '*') return [];
    const errors: FieldError[] = [];
    if (!url.startsWith('/')) errors.push(invalidValue(at.index(index), url, "non-resource URL rules must begin with a '/' character"));
    if (url.slice(0, -1).includes('*'))
      errors.push(invalidValue(at.index(index), url, "non-resource URL wildcards '*' must be the final character of the rule"));
    return errors;
  });
}

function checkResources(resources: AuditRule['resources'], at: FieldPath): FieldError[] {
  return (resources ?? []).flatMap(({ group = '', resources: names, resourceNames }) => {
    const errors: FieldError[] = [];
    const problems = group === '' || group === '*' ? [] : validateDnsSubdomain(group);
    if (problems.length > 0) errors.push(invalidValue(at.child('group'), group, problems.join(',')));
    if (resourceNames?.length && !names?.length)
      errors.push(invalidValue(at.child('resourceNames'), resourceNames, 'using resourceNames requires at least one resource'));
    return errors;
  });
}

function checkRule(rule: AuditRule, at: FieldPath): FieldError[] {
  const level: string = rule.level ?? '';
  const errors = level === '' ? [required(at.child('level'))] : [];
  if (level !== '' && !(levels as readonly string[]).includes(level)) errors.push(notSupportedInOrder(at.child('level'), level, levels));
  errors.push(...checkUrls(rule.nonResourceURLs, at.child('nonResourceURLs')), ...checkResources(rule.resources, at.child('resources')));
  errors.push(...checkStages(rule.omitStages, at.child('omitStages')));
  if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length)) {
    errors.push(invalidValue(at.child('nonResourceURLs'), rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
  }
  return errors;
}

export const auditPolicyFile: FileKind<AuditPolicy> = {
  flag: 'audit-policy-file',
  kind: 'Policy',
  apiVersions: ['audit.k8s.io/v1'],
  struct,
  validate({ rules = [], omitStages }) {
    if (rules.length === 0) return [required('rules', 'loaded illegal policy with 0 rules')];
    return [...checkStages(omitStages, path('omitStages')), ...rules.flatMap((rule, index) => checkRule(rule, path('rules').index(index)))];
  },
};

const anyOf = (wanted: readonly string[] | undefined, given: readonly string[]): boolean => !wanted?.length || given.some((one) => wanted.includes(one));

/** `pods`, `pods/log`, `pods/*`, `*`, or a resource of any kind with that subresource. */
function resourceMatches(patterns: readonly string[] | undefined, { resource, subresource }: AuthorizationAttributes): boolean {
  if (!patterns?.length) return true;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return patterns.some(
    (pattern) => pattern === '*' || pattern === full || pattern === `${resource}/*` || (subresource !== '' && pattern === `*/${subresource}`),
  );
}

function matches(rule: AuditRule, attributes: AuthorizationAttributes): boolean {
  const { user, verb, isResourceRequest, group, name, namespace, path: requested } = attributes;
  if (!anyOf(rule.users, [user.username]) || !anyOf(rule.userGroups, user.groups) || !anyOf(rule.verbs, [verb])) return false;
  if (!rule.resources?.length && !rule.namespaces?.length) {
    return !rule.nonResourceURLs?.length || (!isResourceRequest && pathMatches(rule.nonResourceURLs, requested));
  }
  if (!isResourceRequest || !anyOf(rule.namespaces, [namespace])) return false;
  if (!rule.resources?.length) return true;
  return rule.resources.some(
    (one) => ((one.group ?? '') === group || one.group === '*') && resourceMatches(one.resources, attributes) && anyOf(one.resourceNames, [name]),
  );
}

/** The first rule that fits decides; no rule records nothing. */
export const ruleFor = (policy: AuditPolicy, attributes: AuthorizationAttributes): AuditRule | undefined =>
  policy.rules.find((rule) => matches(rule, attributes));
