/** Names of users and groups that have a meaning to the API server. */
import type { UserInfo } from '../../api/kind.ts';
import { validateDnsLabel, validateDnsSubdomain } from '../../apimachinery/names.ts';

export const anonymousUser = 'system:anonymous';
export const allAuthenticated = 'system:authenticated';
export const allUnauthenticated = 'system:unauthenticated';
/** Whoever is in it may do everything. */
export const systemMasters = 'system:masters';
export const nodesGroup = 'system:nodes';
export const nodeUserPrefix = 'system:node:';
export const serviceAccountUserPrefix = 'system:serviceaccount:';
export const allServiceAccounts = 'system:serviceaccounts';

export const credentialIdKey = 'authentication.kubernetes.io/credential-id';
export const podNameKey = 'authentication.kubernetes.io/pod-name';
export const podUidKey = 'authentication.kubernetes.io/pod-uid';
export const nodeNameKey = 'authentication.kubernetes.io/node-name';
export const nodeUidKey = 'authentication.kubernetes.io/node-uid';

export const serviceAccountUser = (namespace: string, name: string): string => `${serviceAccountUserPrefix}${namespace}:${name}`;
export const serviceAccountGroups = (namespace: string): string[] => [allServiceAccounts, `${allServiceAccounts}:${namespace}`];

/** Namespace and name from `system:serviceaccount:<namespace>:<name>`; undefined for any other user. */
export function splitServiceAccountUser(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(serviceAccountUserPrefix)) return undefined;
  const [namespace, name, ...rest] = username.slice(serviceAccountUserPrefix.length).split(':');
  if (!namespace || !name || rest.length > 0 || validateDnsLabel(namespace).length > 0 || validateDnsSubdomain(name).length > 0) return undefined;
  return { namespace, name };
}

/** The node that a user name claims, whatever its groups. */
export function nodeOfUsername(username: string): string | undefined {
  if (!username.startsWith(nodeUserPrefix)) return undefined;
  const name = username.slice(nodeUserPrefix.length);
  return validateDnsSubdomain(name).length === 0 ? name : undefined;
}

/**
 * Whether the user is a kubelet, and of which node: user `system:node:<name>` in group `system:nodes`.
 * `name` is empty when it is in the group under a name that says nothing.
 */
export function nodeIdentity(user: UserInfo): { isNode: boolean; name: string } {
  if (!user.username.startsWith(nodeUserPrefix) || !user.groups.includes(nodesGroup)) return { isNode: false, name: '' };
  return { isNode: true, name: user.username.slice(nodeUserPrefix.length) };
}
