/** `clusterrole-aggregation-controller`: roles such as `edit` and `view` collect the rules of roles with certain labels. */
import { clusterroles } from '../api/rbac/v1/clusterrole.ts';
import type { ClusterRole, PolicyRule } from '../api/rbac/v1/types.gen.ts';
import { semanticEqual } from '../apimachinery/equality.ts';
import { keyOf } from '../apimachinery/meta.ts';
import { labelSelectorMatcher } from '../apimachinery/selectors.ts';
import { defineController } from './controller.ts';

const byName = (a: ClusterRole, b: ClusterRole): number => (a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0);

/** The rules of all roles that one of the selectors matches, each rule once. Pure. */
export function aggregatedRules(role: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const sorted = [...roles].sort(byName);
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matcher = labelSelectorMatcher(selector);
    for (const other of sorted) {
      if (other.metadata.name === role.metadata.name || !matcher.matches(other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((one) => semanticEqual(one, rule))) rules.push(rule);
    }
  }
  return rules;
}

export const clusterRoleAggregationController = defineController({
  name: 'clusterrole-aggregation-controller',
  setup({ client, informers }, enqueue) {
    const roles = informers.informer(clusterroles);
    const resource = client.resource(clusterroles);
    // Which role feeds which is not known beforehand, and there are few that collect.
    const enqueueAll = (): void => {
      for (const role of roles.list()) if (role.aggregationRule) enqueue(keyOf(role));
    };
    roles.addHandlers({ added: enqueueAll, updated: enqueueAll, deleted: enqueueAll });
    return {
      async reconcile(key) {
        const role = roles.getByKey(key);
        if (!role?.aggregationRule) return;
        const rules = aggregatedRules(role, roles.list());
        if (semanticEqual(rules, role.rules ?? [])) return;
        await resource.update({ ...role, rules });
      },
    };
  },
});
