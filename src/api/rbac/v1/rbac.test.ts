import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells } from '../../testing/strategy.ts';
import { changeProblems, created, problems } from '../../testing/validate.ts';
import { clusterroles } from './clusterrole.ts';
import { clusterrolebindings } from './clusterrolebinding.ts';
import { roles } from './role.ts';
import { rolebindings } from './rolebinding.ts';

const metadata = { name: 'x:y', namespace: 'default' };
const group = 'rbac.authorization.k8s.io';
const clusterBinding = (...subjects: Record<string, unknown>[]): Record<string, unknown> => ({
  metadata: { name: 'x:y' },
  roleRef: { kind: 'ClusterRole', name: 'view' },
  subjects,
});

test('a role says what may be done with what', () => {
  assert.deepEqual(problems(roles, { metadata, rules: [{}, { verbs: ['get'], nonResourceURLs: ['/a'], resources: ['pods'] }] }), [
    'rules[0].verbs: Required value: verbs must contain at least one value',
    'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    'rules[0].resources: Required value: resource rules must supply at least one resource',
    'rules[1].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs',
    'rules[1].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
  ]);
  assert.deepEqual(problems(clusterroles, { metadata: { name: 'x' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/a'] }], aggregationRule: {} }), [
    'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
  ]);
});

test('a binding names the group of its role and of users', () => {
  const { roleRef, subjects } = created(
    clusterrolebindings,
    clusterBinding({ kind: 'User', name: 'a' }, { kind: 'ServiceAccount', name: 'b', namespace: 'c' }),
  );
  assert.equal(roleRef.apiGroup, group);
  assert.deepEqual(subjects, [
    { kind: 'User', name: 'a', apiGroup: group },
    { kind: 'ServiceAccount', name: 'b', namespace: 'c' },
  ]);
});

test('a bad binding is refused', () => {
  const bad = {
    ...clusterBinding({ kind: 'x', name: '' }, { kind: 'User', name: 'a', apiGroup: 'b' }, { kind: 'ServiceAccount', name: 'A' }),
    roleRef: { kind: 'Role', name: 'a/b' },
  };
  assert.deepEqual(problems(clusterrolebindings, bad), [
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    'roleRef.name: Invalid value: "a/b": may not contain \'/\'',
    'subjects[0].name: Required value',
    'subjects[0].kind: Unsupported value: "x": supported values: "ServiceAccount", "User", "Group"',
    `subjects[1].apiGroup: Unsupported value: "b": supported values: "${group}"`,
    "subjects[2].name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    'subjects[2].namespace: Required value',
  ]);
});

test('a binding keeps its role', () => {
  const errors = changeProblems(rolebindings, { metadata, roleRef: { kind: 'Role', name: 'a' } }, (object) => {
    object['roleRef'].name = 'b';
  });
  assert.deepEqual(errors, [`roleRef: Invalid value: {"APIGroup":"${group}","Kind":"Role","Name":"b"}: cannot change roleRef`]);
});

test('kubectl shows whom a binding is for', () => {
  const object = created(
    clusterrolebindings,
    clusterBinding({ kind: 'User', name: 'a' }, { kind: 'ServiceAccount', name: 'b', namespace: 'c' }, { kind: 'User', name: 'd' }),
  );
  object.metadata.creationTimestamp = '2026-01-02T03:04:00Z';
  assert.deepEqual(cells(clusterrolebindings, object as never), ['x:y', 'ClusterRole/view', '5s', 'a, d', '', 'c/b']);
});
