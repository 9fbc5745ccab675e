import assert from 'node:assert/strict';
import { test } from 'node:test';
import { managerIdentity } from '../../../controllers/controller.ts';
import { controllers } from '../../../controllers/index.ts';
import { clusterRoleBindings, roleBindings } from './bindings.ts';
import { controllerRoles } from './controllers.ts';
import { clusterRoleOf } from './format.ts';
import { namespacedRoles } from './namespaced.ts';
import { systemRoles } from './system.ts';
import { userRoles } from './user.ts';

const clusterRoles = [...userRoles, ...systemRoles, ...controllerRoles].map(clusterRoleOf);

test('every controller works under an account that has a role', () => {
  const bound = new Set([...clusterRoleBindings(), ...roleBindings()].flatMap(({ subjects = [] }) => subjects.map(({ name }) => name)));
  const without = controllers.map(({ name, identity }) => identity ?? name).filter((account) => account !== managerIdentity && !bound.has(account));
  assert.deepEqual(without, []);
});

test('every binding refers to a role that there is', () => {
  const known = new Set([...clusterRoles.map(({ metadata }) => `ClusterRole/${metadata.name}`), ...namespacedRoles.map(({ name }) => `Role/${name}`)]);
  for (const { roleRef } of [...clusterRoleBindings(), ...roleBindings()]) assert.ok(known.has(`${roleRef.kind}/${roleRef.name}`), roleRef.name);
});

test('aggregated roles have parts, and no rules of their own', () => {
  for (const { aggregationRule, rules, metadata } of clusterRoles.filter((role) => role.aggregationRule)) {
    assert.equal(rules?.length ?? 0, 0, metadata.name);
    for (const { matchLabels = {} } of aggregationRule?.clusterRoleSelectors ?? []) {
      const parts = clusterRoles.filter(({ metadata: { labels = {} } }) => Object.entries(matchLabels).every(([key, value]) => labels[key] === value));
      assert.ok(parts.length > 0, metadata.name);
    }
  }
});
