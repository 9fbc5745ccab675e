/** How the default roles are written down, and what they look like as objects. */
import type { ClusterRole, PolicyRule, Role } from '../../../api/rbac/v1/types.gen.ts';
import type { ObjectMeta } from '../../../apimachinery/meta.ts';

export interface DefaultRole {
  name: string;
  /** Absent for a cluster role. */
  namespace?: string;
  rules: readonly PolicyRule[];
  /** Takes over the rules of all cluster roles that aggregate to one of these. */
  aggregates?: readonly string[];
  aggregateTo?: readonly string[];
}

const words = (text: string): string[] => text.split(' ');

/** Verbs on resources; words are separated by blanks, `core` is the group without a name. */
export const rule = (verbs: string, groups: string, resources: string, names?: string): PolicyRule => ({
  verbs: words(verbs),
  apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
  resources: words(resources),
  ...(names === undefined ? {} : { resourceNames: words(names) }),
});

/** Verbs on paths that are no resources. */
export const paths = (verbs: string, urls: string): PolicyRule => ({ verbs: words(verbs), nonResourceURLs: words(urls) });

/** An object whose annotation says `"false"` is left alone by reconciliation. */
export const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

/** Metadata of everything that the server creates and keeps up to date by itself. */
export const defaultMeta = (name: string, namespace?: string): ObjectMeta => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { [autoUpdate]: 'true' },
});

const aggregation = (to: string): Record<string, string> => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' });

export function clusterRoleOf({ name, rules, aggregates, aggregateTo = [] }: DefaultRole): ClusterRole {
  const metadata = defaultMeta(name);
  metadata.labels = Object.assign({}, metadata.labels, ...aggregateTo.map(aggregation));
  return {
    metadata,
    ...(aggregates ? { aggregationRule: { clusterRoleSelectors: aggregates.map((to) => ({ matchLabels: aggregation(to) })) } } : {}),
    rules: [...rules],
  };
}

export const roleOf = ({ name, namespace, rules }: DefaultRole): Role => ({ metadata: defaultMeta(name, namespace), rules: [...rules] });
