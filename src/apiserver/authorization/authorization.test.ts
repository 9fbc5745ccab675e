import assert from 'node:assert/strict';
import { test } from 'node:test';
import { persistentvolumes } from '../../api/core/v1/persistentvolume.ts';
import { pods } from '../../api/core/v1/pod.ts';
import type { UserInfo } from '../../api/kind.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { roles } from '../../api/rbac/v1/role.ts';
import { rolebindings } from '../../api/rbac/v1/rolebinding.ts';
import type { AuthorizationAttributes } from '../contracts.ts';
import { authorizePaths, authorizePrivilegedGroup, createAuthorizerChain } from './chain.ts';
import { createEscalationGuard } from './escalation.ts';
import { authorizeOrForbid } from './forbidden.ts';
import { createMemoryReader } from './memoryreader.ts';
import { createNodeAuthorizer } from './node/authorizer.ts';
import { createNodeGraph } from './node/graph.ts';
import { createRbac } from './rbac.ts';
import { reviewSelfSubjectRules, reviewSubjectAccess } from './reviews.ts';

const bob: UserInfo = { username: 'bob', groups: ['dev'] };
const ask = (user: UserInfo, verb: string, resource: string, more: Partial<AuthorizationAttributes> = {}): AuthorizationAttributes => ({
  user,
  verb,
  isResourceRequest: true,
  group: '',
  version: 'v1',
  resource,
  subresource: '',
  namespace: 'ns',
  name: '',
  path: '',
  ...more,
});
const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });

function cluster() {
  const reader = createMemoryReader();
  reader.put(clusterroles, { metadata: { name: 'reader' }, rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/log'] }] } as never);
  reader.put(roles, {
    metadata: { name: 'one', namespace: 'ns' },
    rules: [{ verbs: ['*'], apiGroups: [''], resources: ['secrets'], resourceNames: ['s'] }],
  } as never);
  reader.put(rolebindings, {
    metadata: { name: 'rb', namespace: 'ns' },
    roleRef: roleRef('ClusterRole', 'reader'),
    subjects: [{ kind: 'Group', name: 'dev' }],
  } as never);
  return reader;
}

test('a role binding grants a cluster role in its namespace alone', async () => {
  const { authorizer } = createRbac(cluster());
  const decision = async (attributes: AuthorizationAttributes) => (await authorizer(attributes)).decision;
  assert.equal((await authorizer(ask(bob, 'list', 'pods'))).reason, 'RBAC: allowed by RoleBinding "rb/ns" of ClusterRole "reader" to Group "dev"');
  assert.equal(await decision(ask(bob, 'list', 'pods', { namespace: 'other' })), 'no-opinion');
  assert.equal(await decision(ask(bob, 'delete', 'pods')), 'no-opinion');
  assert.equal(await decision(ask(bob, 'get', 'pods', { subresource: 'log' })), 'allow');
  assert.equal(await decision(ask(bob, 'get', 'pods', { subresource: 'exec' })), 'no-opinion');
});

test('bindings and roles that come and go change decisions at once', async () => {
  const reader = cluster();
  const rbac = createRbac(reader);
  await rbac.ready;
  const account: UserInfo = { username: 'system:serviceaccount:ns:sa', groups: [] };
  const binding = { metadata: { name: 'x', namespace: 'ns' }, roleRef: roleRef('Role', 'one'), subjects: [{ kind: 'ServiceAccount', name: 'sa' }] };
  const read = async () => (await rbac.authorizer(ask(account, 'get', 'secrets', { name: 's' }))).decision;
  assert.equal(await read(), 'no-opinion');
  reader.put(rolebindings, binding as never);
  assert.equal(await read(), 'allow');
  assert.equal((await rbac.authorizer(ask(account, 'get', 'secrets', { name: 'other' }))).decision, 'no-opinion');
  reader.remove(roles, 'ns', 'one');
  assert.equal((await rbac.authorizer(ask(account, 'get', 'secrets', { name: 's' }))).reason, 'RBAC: role.rbac.authorization.k8s.io "one" not found');
  reader.remove(rolebindings, 'ns', 'x');
  assert.deepEqual(await rbac.authorizer(ask(account, 'get', 'secrets', { name: 's' })), { decision: 'no-opinion', reason: '' });
});

test('a denial reads as upstream words it', async () => {
  const reader = cluster();
  reader.put(clusterrolebindings, {
    metadata: { name: 'dangling' },
    roleRef: roleRef('ClusterRole', 'gone'),
    subjects: [{ kind: 'User', name: 'bob' }],
  } as never);
  const { authorizer } = createRbac(reader);
  await assert.rejects(authorizeOrForbid(authorizer, ask(bob, 'list', 'secrets')), {
    message:
      'secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "ns": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
  });
  await assert.rejects(authorizeOrForbid(createAuthorizerChain([]), ask(bob, 'get', '', { isResourceRequest: false, path: '/metrics' })), {
    message: 'forbidden: User "bob" cannot get path "/metrics"',
  });
});

test('system:masters may do everything, and everybody may ask for health', async () => {
  const chain = createAuthorizerChain([authorizePaths(['/healthz', '/livez/*']), authorizePrivilegedGroup]);
  const path = (path: string) => ask(bob, 'get', '', { isResourceRequest: false, path });
  assert.equal((await chain(path('/healthz'))).decision, 'allow');
  assert.equal((await chain(path('/livez/ping'))).decision, 'allow');
  assert.equal((await chain(path('/metrics'))).decision, 'no-opinion');
  assert.equal((await chain(ask({ username: 'a', groups: ['system:masters'] }, 'delete', 'nodes'))).decision, 'allow');
});

test('nobody grants what they do not hold', async () => {
  const reader = cluster();
  const rbac = createRbac(reader);
  const guard = createEscalationGuard(rbac, rbac.authorizer);
  const write = (rules: unknown[]) => guard({ resource: 'roles', user: bob, namespace: 'ns', name: 'r', object: { metadata: { name: 'r' }, rules } as never });
  await write([{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }]);
  await assert.rejects(write([{ verbs: ['delete', 'create'], apiGroups: [''], resources: ['pods', 'nodes'] }]), {
    message:
      'roles.rbac.authorization.k8s.io "r" is forbidden: user "bob" (groups=["dev"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["nodes"], Verbs:["delete" "create"]}\n{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}',
  });
  const bind = (name: string) =>
    guard({
      resource: 'rolebindings',
      user: bob,
      namespace: 'ns',
      name: 'b',
      object: { metadata: { name: 'b' }, roleRef: roleRef('ClusterRole', name) } as never,
    });
  await bind('reader');
  await assert.rejects(bind('missing'), { message: 'clusterrole.rbac.authorization.k8s.io "missing" not found' });
});

test('a node reads what the pods bound to it refer to, and nothing else', async () => {
  const reader = createMemoryReader();
  const pod = (nodeName: string) => ({
    metadata: { name: 'p', namespace: 'ns' },
    spec: {
      nodeName,
      serviceAccountName: 'sa',
      containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'cm' } }] }],
      volumes: [
        { name: 'v', secret: { secretName: 's' } },
        { name: 'd', persistentVolumeClaim: { claimName: 'claim' } },
      ],
    },
  });
  reader.put(pods, pod('n1') as never);
  const csi = { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: { name: 'stage', namespace: 'csi' } };
  reader.put(persistentvolumes, { metadata: { name: 'pv' }, spec: { claimRef: { namespace: 'ns', name: 'claim' }, csi } } as never);
  const authorizer = createNodeAuthorizer(createNodeGraph(reader));
  const node = (name: string): UserInfo => ({ username: `system:node:${name}`, groups: ['system:nodes'] });
  const may = async (who: string, verb: string, resource: string, name: string, more: Partial<AuthorizationAttributes> = {}) =>
    (await authorizer(ask(node(who), verb, resource, { name, ...more }))).decision === 'allow';
  assert.ok(await may('n1', 'get', 'secrets', 's'));
  assert.ok(await may('n1', 'watch', 'configmaps', 'cm'));
  assert.ok(await may('n1', 'get', 'secrets', 'stage', { namespace: 'csi' }));
  assert.ok(await may('n1', 'get', 'persistentvolumes', 'pv', { namespace: '' }));
  assert.ok(await may('n1', 'create', 'serviceaccounts', 'sa', { subresource: 'token' }));
  assert.ok(await may('n1', 'get', 'nodes', 'n1', { namespace: '' }));
  assert.ok(!(await may('n2', 'get', 'secrets', 's')));
  assert.ok(!(await may('n1', 'get', 'secrets', 'other')));
  assert.ok(!(await may('n1', 'list', 'secrets', '')));
  assert.ok(!(await may('n1', 'list', 'pods', '')));
  assert.ok(await may('n1', 'list', 'pods', '', { fieldSelector: 'spec.nodeName=n1' }));
  assert.ok(!(await may('n1', 'update', 'leases', 'n2', { group: 'coordination.k8s.io', namespace: 'kube-node-lease' })));
  reader.put(pods, pod('n2') as never);
  assert.ok(!(await may('n1', 'get', 'secrets', 's')));
  assert.ok(await may('n2', 'get', 'secrets', 'stage', { namespace: 'csi' }));
  reader.remove(pods, 'ns', 'p');
  assert.ok(!(await may('n2', 'get', 'secrets', 's')));
});

test('reviews answer as the authorizer decides', async () => {
  const rbac = createRbac(cluster());
  const review = await reviewSubjectAccess(
    { metadata: { name: '' }, spec: { user: 'bob', groups: ['dev'], resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'ns' } } },
    rbac.authorizer,
  );
  assert.equal(review.status?.allowed, true);
  await assert.rejects(reviewSubjectAccess({ metadata: { name: '' }, spec: {} }, rbac.authorizer), {
    message: /exactly one of nonResourceAttributes or resourceAttributes/,
  });
  const rules = await reviewSelfSubjectRules({ metadata: { name: '' }, spec: { namespace: 'ns' } }, bob, async (user, namespace) => ({
    ...(await rbac.rulesFor(user, namespace)),
    incomplete: false,
  }));
  assert.deepEqual(rules.status?.resourceRules, [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/log'] }]);
});
