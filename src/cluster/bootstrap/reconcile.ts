/** Brings default roles and bindings up to date without taking back what an administrator added. */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterRole, RoleBinding } from '../../api/rbac/v1/types.gen.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { compactRules, uncovered } from '../../apiserver/authorization/rules.ts';
import { autoUpdate } from './roles/format.ts';

/** What to do about an object that may exist already; undefined when nothing. */
export type Reconciled<T> = { replace: T } | { recreate: T } | undefined;

const isProtected = ({ metadata }: KubeObject): boolean => metadata.annotations?.[autoUpdate] === 'false';

/** What stands wins over what is expected. */
function mergeMeta<T extends KubeObject>(existing: T, expected: T): T {
  const { labels, annotations } = expected.metadata;
  return {
    ...existing,
    metadata: {
      ...existing.metadata,
      labels: { ...labels, ...existing.metadata.labels },
      annotations: { ...annotations, ...existing.metadata.annotations },
    },
  };
}

const changed = <T>(existing: T, wanted: T): Reconciled<T> => (isDeepStrictEqual(existing, wanted) ? undefined : { replace: wanted });

/** Adds the rules and aggregation selectors that are missing. */
export function reconcileRole(existing: ClusterRole, expected: ClusterRole): Reconciled<ClusterRole> {
  if (isProtected(existing)) return undefined;
  const wanted = mergeMeta(existing, expected);
  const missing = compactRules(uncovered(existing.rules ?? [], expected.rules ?? []));
  if (missing.length > 0) wanted.rules = [...(existing.rules ?? []), ...missing];
  if (!expected.aggregationRule) delete wanted.aggregationRule;
  else {
    const present = existing.aggregationRule?.clusterRoleSelectors ?? [];
    const selectors = expected.aggregationRule.clusterRoleSelectors ?? [];
    const lacking = selectors.filter((one) => !present.some((other) => isDeepStrictEqual(one, other)));
    if (lacking.length > 0) wanted.aggregationRule = { clusterRoleSelectors: [...present, ...lacking] };
  }
  return changed(existing, wanted);
}

/** Adds the subjects that are missing; a binding to another role is made anew, since its reference can't change. */
export function reconcileBinding(existing: RoleBinding, expected: RoleBinding): Reconciled<RoleBinding> {
  if (isProtected(existing)) return undefined;
  const same = existing.roleRef.kind === expected.roleRef.kind && existing.roleRef.name === expected.roleRef.name;
  if (!same) return { recreate: expected };
  const wanted = mergeMeta(existing, expected);
  const present = existing.subjects ?? [];
  const lacking = (expected.subjects ?? []).filter(
    (one) => !present.some(({ kind, name, namespace }) => kind === one.kind && name === one.name && (namespace ?? '') === (one.namespace ?? '')),
  );
  if (lacking.length > 0) wanted.subjects = [...present, ...lacking];
  return changed(existing, wanted);
}
