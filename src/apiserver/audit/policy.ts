/** Which requests are recorded, and how fully: an `audit.k8s.io/v1 Policy`. */

import { pathMatches } from '../authorization/rules.ts';
import type { AuthorizationAttributes } from '../contracts.ts';

export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

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

const anyOf = (wanted: readonly string[] | undefined, given: readonly string[]): boolean => !wanted?.length || given.some((one) => wanted.includes(one));

/** `pods`, `pods/log`, `pods/*`, `*`, or a resource of any kind with that subresource. */
function resourceMatches(patterns: readonly string[] | undefined, { resource, subresource }: AuthorizationAttributes): boolean {
  if (!patterns?.length) return true;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return patterns.some(
    (pattern) => pattern === '*' || pattern === full || (subresource !== '' && (pattern === `${resource}/*` || pattern === `*/${subresource}`)),
  );
}

function matches(rule: AuditRule, attributes: AuthorizationAttributes): boolean {
  const { user, verb, isResourceRequest, group, name, namespace, path } = attributes;
  if (!anyOf(rule.users, [user.username]) || !anyOf(rule.userGroups, user.groups) || !anyOf(rule.verbs, [verb])) return false;
  if (!rule.resources?.length && !rule.namespaces?.length && !rule.nonResourceURLs?.length) return true;
  if (!isResourceRequest) return pathMatches(rule.nonResourceURLs, path);
  if (rule.nonResourceURLs?.length || !anyOf(rule.namespaces, [namespace])) return false;
  if (!rule.resources?.length) return true;
  return rule.resources.some((one) => (one.group ?? '') === group && resourceMatches(one.resources, attributes) && anyOf(one.resourceNames, [name]));
}

/** The first rule that fits decides; no rule records nothing. */
export const ruleFor = (policy: AuditPolicy, attributes: AuthorizationAttributes): AuditRule | undefined =>
  policy.rules.find((rule) => matches(rule, attributes));
