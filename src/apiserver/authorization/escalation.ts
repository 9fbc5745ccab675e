/**
 * Nobody grants more than they hold: writing a role needs its rules (or the `escalate` verb on it),
 * writing a binding needs the rules of its role (or the `bind` verb on that role).
 */
import type { UserInfo } from '../../api/kind.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { roles } from '../../api/rbac/v1/role.ts';
import { rolebindings } from '../../api/rbac/v1/rolebinding.ts';
import type { ClusterRole, PolicyRule, RoleBinding, RoleRef } from '../../api/rbac/v1/types.gen.ts';
import { forbidden } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { systemMasters } from '../authentication/identities.ts';
import type { AuthorizationAttributes, Authorizer } from '../contracts.ts';
import type { Rbac } from './rbac.ts';
import { compactRules, describeRule, uncovered } from './rules.ts';

/** A write of one of the four RBAC kinds, on its way into the store; `old` is absent on create. */
export interface GuardedWrite {
  resource: string;
  user: UserInfo;
  namespace: string;
  name: string;
  object: KubeObject;
  old?: KubeObject;
}

const group = 'rbac.authorization.k8s.io';
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** What is missing, as text for the user; undefined when the user holds all of it. */
async function missingPermissions(rbac: Rbac, user: UserInfo, namespace: string, rules: readonly PolicyRule[]): Promise<string | undefined> {
  const { rules: owned, errors } = await rbac.rulesFor(user, namespace);
  const missing = uncovered(owned, rules);
  if (missing.length === 0) return undefined;
  const descriptions = [...new Set(compactRules(missing).map(describeRule))].sort();
  const groups = `[${user.groups.map((one) => JSON.stringify(one)).join(' ')}]`;
  const unresolved = errors.length === 0 ? '' : `; resolution errors: [${errors.join(', ')}]`;
  return `user ${JSON.stringify(user.username)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${descriptions.join('\n')}${unresolved}`;
}

/** Only what the garbage collector changes: owner references and finalizers. */
function changesOnlyOwnership(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...body }: KubeObject): string => {
    const { ownerReferences, finalizers, managedFields, resourceVersion, ...meta } = metadata;
    return JSON.stringify([sorted(meta), sorted(body)]);
  };
  return rest(object) === rest(old);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

const aggregates = (role: ClusterRole | undefined): boolean => !!role?.aggregationRule?.clusterRoleSelectors?.length;

/**
 * The check that runs before one of the four kinds is created or updated; throws the 403 that upstream gives.
 * @returns an async function that ignores writes of any other resource
 */
export function createEscalationGuard(rbac: Rbac, authorizer: Authorizer): (write: GuardedWrite) => Promise<void> {
  async function holds(verb: string, write: GuardedWrite, resource: string, name: string): Promise<boolean> {
    const attributes: AuthorizationAttributes = {
      user: write.user,
      verb,
      isResourceRequest: true,
      group,
      version: '*',
      resource,
      subresource: '',
      namespace: write.namespace,
      name,
      path: '',
    };
    return (await authorizer(attributes)).decision === 'allow';
  }

  async function guardRole(write: GuardedWrite): Promise<void> {
    if (await holds('escalate', write, write.resource, write.old ? write.name : '')) return;
    const role = write.object as ClusterRole;
    const missing = await missingPermissions(rbac, write.user, write.namespace, role.rules ?? []);
    if (missing) throw forbidden({ group, resource: write.resource }, write.name, missing);
    if (write.resource !== clusterroles.plural || (!aggregates(role) && !aggregates(write.old as ClusterRole | undefined))) return;
    if (await missingPermissions(rbac, write.user, write.namespace, everything))
      throw forbidden({ group, resource: write.resource }, write.name, 'must have cluster-admin privileges to use the aggregationRule');
  }

  async function guardBinding(write: GuardedWrite): Promise<void> {
    const ref: RoleRef = (write.object as RoleBinding).roleRef;
    const resource = ref.kind === 'ClusterRole' ? clusterroles.plural : ref.kind === 'Role' ? roles.plural : undefined;
    if (resource !== undefined && (await holds('bind', write, resource, ref.name))) return;
    const rules = await rbac.roleRules(ref, write.namespace);
    const missing = await missingPermissions(rbac, write.user, write.namespace, rules);
    if (missing) throw forbidden({ group, resource: write.resource }, write.name, missing);
  }

  const guards = new Map([
    [clusterroles.plural, guardRole],
    [roles.plural, guardRole],
    [clusterrolebindings.plural, guardBinding],
    [rolebindings.plural, guardBinding],
  ]);

  return async (write) => {
    const guard = guards.get(write.resource);
    if (!guard || write.user.groups.includes(systemMasters)) return;
    if (write.old && changesOnlyOwnership(write.object, write.old)) return;
    await guard(write);
  };
}
