/** Whether a rule of a flow schema is about a user, and about what the user asks for. */
import type { NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../api/flowcontrol/v1/types.gen.ts';
import type { UserInfo } from '../../api/kind.ts';
import type { RequestInfo } from '../contracts.ts';

const accountPrefix = 'system:serviceaccount:';

export function matchesSubject({ username, groups }: UserInfo, { kind, user, group, serviceAccount }: Subject): boolean {
  if (kind === 'User') return user !== undefined && (user.name === '*' || user.name === username);
  if (kind === 'Group') return group !== undefined && (group.name === '*' || groups.includes(group.name));
  if (kind !== 'ServiceAccount' || !serviceAccount) return false;
  const ofNamespace = `${accountPrefix}${serviceAccount.namespace}:`;
  return serviceAccount.name === '*' ? username.startsWith(ofNamespace) : username === `${ofNamespace}${serviceAccount.name}`;
}

/** `*` stands for everything only where it is alone. */
const contains = (list: readonly string[], value: string): boolean => (list.length === 1 && list[0] === '*') || list.includes(value);

function matchesResource(rule: ResourcePolicyRule, info: RequestInfo): boolean {
  if (!contains(rule.verbs, info.verb)) return false;
  if (!contains(rule.resources, info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`)) return false;
  if (!contains(rule.apiGroups, info.group)) return false;
  return info.namespace === '' ? (rule.clusterScope ?? false) : contains(rule.namespaces ?? [], info.namespace);
}

function matchesPath(rule: NonResourcePolicyRule, info: RequestInfo): boolean {
  if (!contains(rule.verbs, info.verb)) return false;
  return rule.nonResourceURLs.some((url) => {
    if (url === '*' || url === info.path) return true;
    const prefix = url.endsWith('*') ? url.slice(0, -1) : url;
    return info.path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  });
}

/** Whoever asks is another question: {@link matchesSubject}. */
export function matchesRequest({ resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, info: RequestInfo): boolean {
  return info.isResourceRequest ? resourceRules.some((rule) => matchesResource(rule, info)) : nonResourceRules.some((rule) => matchesPath(rule, info));
}

const all = (list: readonly string[] | undefined): boolean => list?.length === 1 && list[0] === '*';

/** Every request for a resource, or every other one, matches. */
export function matchesEverything({ resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, resources: boolean): boolean {
  if (!resources) return nonResourceRules.some(({ verbs, nonResourceURLs }) => all(verbs) && nonResourceURLs.includes('*'));
  return resourceRules.some((rule) => all(rule.verbs) && all(rule.apiGroups) && all(rule.resources) && all(rule.namespaces) && rule.clusterScope === true);
}
