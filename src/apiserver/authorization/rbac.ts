/**
 * RBAC: roles and bindings, indexed by subject and by resource, so that a decision costs microseconds
 * however many bindings a cluster or an account has.
 */
import type { UserInfo } from '../../api/kind.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { roles } from '../../api/rbac/v1/role.ts';
import { rolebindings } from '../../api/rbac/v1/rolebinding.ts';
import type { ClusterRoleBinding, PolicyRule, RoleBinding, RoleRef, Subject } from '../../api/rbac/v1/types.gen.ts';
import { notFound } from '../../apimachinery/errors.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { serviceAccountUser } from '../authentication/identities.ts';
import type { AuthorizationAttributes, Authorizer, Decision, ObjectReader } from '../contracts.ts';
import { mirror } from './mirror.ts';
import { ruleAllows } from './rules.ts';

export interface Rbac {
  authorizer: Authorizer;
  /** All rules that apply to the user in that namespace (cluster-wide ones too), and what could not be resolved. */
  rulesFor(user: UserInfo, namespace: string): Promise<{ rules: PolicyRule[]; errors: string[] }>;
  /** The rules of a role; throws NotFound. */
  roleRules(ref: RoleRef, bindingNamespace: string): Promise<readonly PolicyRule[]>;
  /** What existed at the start is indexed. Questions before that wait for it. */
  ready: Promise<void>;
}

type Binding = RoleBinding | ClusterRoleBinding;

/** A binding as one of its subjects sees it. */
interface Grant {
  binding: Binding;
  subject: Subject;
  /** Why a request was allowed; put into words when it first allows one. */
  reason?: string;
}

/** Subject key → grants, in order of binding name within one namespace (`''` for cluster role bindings). */
type Grants = Map<string, Grant[]>;

/** A role's rules by what they name, so that only candidates are compared. */
interface IndexedRole {
  rules: readonly PolicyRule[];
  byResource: Map<string, PolicyRule[]>;
  byPath: PolicyRule[];
}

const group = 'rbac.authorization.k8s.io';
const userKey = (name: string): string => `u${name}`;
const groupKey = (name: string): string => `g${name}`;

function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  switch (subject.kind) {
    case 'User':
      return userKey(subject.name);
    case 'Group':
      return groupKey(subject.name);
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace;
      return namespace === '' ? undefined : userKey(serviceAccountUser(namespace, subject.name));
    }
    default:
      return undefined;
  }
}

function indexRole(rules: readonly PolicyRule[]): IndexedRole {
  const byResource = new Map<string, PolicyRule[]>();
  for (const rule of rules)
    for (const resource of rule.resources ?? []) {
      const list = byResource.get(resource);
      if (list) list.push(rule);
      else byResource.set(resource, [rule]);
    }
  return { rules, byResource, byPath: rules.filter((rule) => rule.nonResourceURLs?.length) };
}

function roleAllows(role: IndexedRole, attributes: AuthorizationAttributes): boolean {
  if (!attributes.isResourceRequest) return role.byPath.some((rule) => ruleAllows(rule, attributes));
  const { resource, subresource } = attributes;
  const among = (key: string): boolean => role.byResource.get(key)?.some((rule) => ruleAllows(rule, attributes)) ?? false;
  return among(subresource === '' ? resource : `${resource}/${subresource}`) || among('*') || (subresource !== '' && among(`*/${subresource}`));
}

function describeSubject(subject: Subject, bindingNamespace: string): string {
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || bindingNamespace}` : subject.name;
  return `${subject.kind} ${JSON.stringify(name)}`;
}

function describeGrant({ binding, subject }: Grant): string {
  const { name, namespace = '' } = binding.metadata;
  const title = namespace === '' ? `ClusterRoleBinding ${JSON.stringify(name)}` : `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`;
  return `${title} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)} to ${describeSubject(subject, namespace)}`;
}

/** One error bare, several in brackets, each once. */
function aggregate(errors: readonly string[]): string {
  const unique = [...new Set(errors)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}

/** The index alone: what is granted to whom. */
class Bindings {
  readonly #byNamespace = new Map<string, Grants>();
  readonly #known = new Map<string, { binding: Binding; keys: Set<string> }>();

  put(binding: Binding): void {
    this.delete(binding);
    const namespace = binding.metadata.namespace ?? '';
    const grants = this.#byNamespace.get(namespace) ?? new Map<string, Grant[]>();
    this.#byNamespace.set(namespace, grants);
    const keys = new Set<string>();
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      if (key === undefined || keys.has(key)) continue;
      keys.add(key);
      const list = grants.get(key);
      if (list) list.push({ binding, subject });
      else grants.set(key, [{ binding, subject }]);
    }
    this.#known.set(keyOf(binding), { binding, keys });
  }

  delete(binding: Binding): void {
    const known = this.#known.get(keyOf(binding));
    if (!known) return;
    this.#known.delete(keyOf(binding));
    const namespace = binding.metadata.namespace ?? '';
    const grants = this.#byNamespace.get(namespace);
    for (const key of known.keys) {
      const rest = grants?.get(key)?.filter((grant) => grant.binding !== known.binding) ?? [];
      if (rest.length > 0) grants?.set(key, rest);
      else grants?.delete(key);
    }
    if (grants?.size === 0) this.#byNamespace.delete(namespace);
  }

  /** Calls back for each grant until one returns true; a binding may come more than once, through different subjects. */
  visit(user: UserInfo, namespace: string, visitor: (grant: Grant) => boolean): boolean {
    for (const scope of namespace === '' ? [''] : ['', namespace]) {
      const grants = this.#byNamespace.get(scope);
      if (!grants) continue;
      if (grants.get(userKey(user.username))?.some(visitor)) return true;
      for (const name of user.groups) if (grants.get(groupKey(name))?.some(visitor)) return true;
    }
    return false;
  }
}

/** Follows the four RBAC kinds from now on. */
export function createRbac(reader: ObjectReader): Rbac {
  const clusterRoles = new Map<string, IndexedRole>();
  const namespacedRoles = new Map<string, IndexedRole>();
  const bindings = new Bindings();
  let loaded = false;

  const ready = Promise.all([
    mirror(reader, clusterroles, {
      put: (role) => clusterRoles.set(role.metadata.name, indexRole(role.rules ?? [])),
      delete: (role) => clusterRoles.delete(role.metadata.name),
    }),
    mirror(reader, roles, {
      put: (role) => namespacedRoles.set(keyOf(role), indexRole(role.rules ?? [])),
      delete: (role) => namespacedRoles.delete(keyOf(role)),
    }),
    mirror(reader, clusterrolebindings, { put: (one) => bindings.put(one), delete: (one) => bindings.delete(one) }),
    mirror(reader, rolebindings, { put: (one) => bindings.put(one), delete: (one) => bindings.delete(one) }),
  ]).then(() => {
    loaded = true;
  });

  function roleOf(ref: RoleRef, namespace: string): IndexedRole | undefined {
    return ref.kind === 'ClusterRole' ? clusterRoles.get(ref.name) : ref.kind === 'Role' ? namespacedRoles.get(`${namespace}/${ref.name}`) : undefined;
  }

  const missing = (ref: RoleRef): string =>
    ref.kind === 'ClusterRole' || ref.kind === 'Role'
      ? `${ref.kind.toLowerCase()}.${group} ${JSON.stringify(ref.name)} not found`
      : `unsupported role reference kind: ${JSON.stringify(ref.kind)}`;

  function decide(attributes: AuthorizationAttributes): Decision {
    const errors: string[] = [];
    let allowedBy: Grant | undefined;
    bindings.visit(attributes.user, attributes.namespace, (grant) => {
      const role = roleOf(grant.binding.roleRef, grant.binding.metadata.namespace ?? '');
      if (!role) {
        errors.push(missing(grant.binding.roleRef));
        return false;
      }
      if (!roleAllows(role, attributes)) return false;
      allowedBy = grant;
      return true;
    });
    if (allowedBy) {
      allowedBy.reason ??= `RBAC: allowed by ${describeGrant(allowedBy)}`;
      return { decision: 'allow', reason: allowedBy.reason };
    }
    return { decision: 'no-opinion', reason: errors.length > 0 ? `RBAC: ${aggregate(errors)}` : '' };
  }

  return {
    authorizer: (attributes) => (loaded ? decide(attributes) : ready.then(() => decide(attributes))),

    async rulesFor(user, namespace) {
      await ready;
      const rules: PolicyRule[] = [];
      const errors: string[] = [];
      const seen = new Set<Binding>();
      bindings.visit(user, namespace, ({ binding }) => {
        if (seen.has(binding)) return false;
        seen.add(binding);
        const role = roleOf(binding.roleRef, binding.metadata.namespace ?? '');
        if (role) rules.push(...role.rules);
        else errors.push(missing(binding.roleRef));
        return false;
      });
      return { rules, errors };
    },

    async roleRules(ref, bindingNamespace) {
      await ready;
      const role = roleOf(ref, bindingNamespace);
      if (!role) throw notFound({ group, resource: ref.kind.toLowerCase() }, ref.name);
      return role.rules;
    },

    ready,
  };
}
