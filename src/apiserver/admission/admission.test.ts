import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { limitranges } from '../../api/core/v1/limitrange.ts';
import { namespaces } from '../../api/core/v1/namespace.ts';
import { nodes } from '../../api/core/v1/node.ts';
import { persistentvolumeclaims } from '../../api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../api/core/v1/pod.ts';
import { resourcequotas } from '../../api/core/v1/resourcequota.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { priorityclasses } from '../../api/scheduling/v1/priorityclass.ts';
import { storageclasses } from '../../api/storage/v1/storageclass.ts';
import { type AdmissionServer, simplePod, startAdmissionServer } from './testing.ts';

let server: AdmissionServer;
before(async () => {
  server = await startAdmissionServer();
  await server.makeNamespace('ns');
});
after(() => server[Symbol.asyncDispose]());

test('a pod gets its service account, its token, its priority and its tolerations', async () => {
  await server.client.resource(serviceaccounts).create({ metadata: { name: 'puller', namespace: 'ns' }, imagePullSecrets: [{ name: 'registry' }] });
  const created = await server.client.resource(pods).create(simplePod('ns', 'a', { serviceAccountName: 'puller' }));
  const { spec } = created;
  const [volume] = spec.volumes ?? [];
  assert.match(volume?.name ?? '', /^kube-api-access-[a-z0-9]{5}$/);
  assert.deepEqual(
    volume?.projected?.sources?.map((source) => Object.keys(source)[0]),
    ['serviceAccountToken', 'configMap', 'downwardAPI'],
  );
  assert.deepEqual(spec.containers[0]?.volumeMounts, [{ name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }]);
  assert.deepEqual(spec.imagePullSecrets, [{ name: 'registry' }]);
  assert.equal(spec.priority, 0);
  assert.equal(spec.preemptionPolicy, 'PreemptLowerPriority');
  assert.deepEqual(
    spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]),
    [
      ['node.kubernetes.io/not-ready', 300],
      ['node.kubernetes.io/unreachable', 300],
    ],
  );
});

test('a pod that wants no token gets none, and one without an account is refused', async () => {
  const created = await server.client.resource(pods).create(simplePod('ns', 'b', { automountServiceAccountToken: false }));
  assert.equal(created.spec.volumes, undefined);
  assert.equal(created.spec.serviceAccountName, 'default');
  await assert.rejects(server.client.resource(pods).create(simplePod('ns', 'c', { serviceAccountName: 'gone' })), {
    message: 'pods "c" is forbidden: error looking up service account ns/gone: serviceaccount "gone" not found',
  });
});

test('nothing is created in a namespace that is not there, or is on its way out', async () => {
  await assert.rejects(server.client.resource(pods).create(simplePod('nowhere', 'a')), { message: 'namespaces "nowhere" not found' });
  await server.makeNamespace('default');
  await assert.rejects(server.client.resource(namespaces).delete('', 'default'), {
    message: 'namespaces "default" is forbidden: this namespace may not be deleted',
  });
  await server.makeNamespace('leaving');
  await server.client.resource(namespaces).delete('', 'leaving');
  await assert.rejects(server.client.resource(pods).create(simplePod('leaving', 'a')), {
    message: 'pods "a" is forbidden: unable to create new content in namespace leaving because it is being terminated',
  });
});

test('a priority class gives its value; a number of one’s own is refused', async () => {
  await server.client.resource(priorityclasses).create({ metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' });
  const created = await server.client.resource(pods).create(simplePod('ns', 'high', { priorityClassName: 'high' }));
  assert.equal(created.spec.priority, 1000);
  assert.equal(created.spec.preemptionPolicy, 'Never');
  await assert.rejects(server.client.resource(pods).create(simplePod('ns', 'own', { priority: 7 })), {
    message:
      'pods "own" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
  });
  await assert.rejects(server.client.resource(pods).create(simplePod('ns', 'none', { priorityClassName: 'none' })), {
    message: 'pods "none" is forbidden: no PriorityClass with name none was found',
  });
});

test('a limit range gives defaults and bounds', async () => {
  await server.makeNamespace('limited');
  await server.client.resource(limitranges).create({
    metadata: { name: 'bounds', namespace: 'limited' },
    spec: { limits: [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' }, min: { cpu: '50m' } }] },
  });
  const created = await server.client.resource(pods).create(simplePod('limited', 'a'));
  assert.deepEqual(created.spec.containers[0]?.resources, { limits: { cpu: '500m' }, requests: { cpu: '100m' } });
  assert.equal(
    created.metadata.annotations?.['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu request for container main; cpu limit for container main',
  );
  const greedy = simplePod('limited', 'b', { containers: [{ name: 'main', image: 'i', resources: { limits: { cpu: '2' }, requests: { cpu: '10m' } } }] });
  await assert.rejects(server.client.resource(pods).create(greedy), {
    message: 'pods "b" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, maximum cpu usage per Container is 1, but limit is 2]',
  });
});

test('a quota lets in what fits, says what is exceeded, and never lets two have the same last piece', async () => {
  await server.makeNamespace('tight');
  const quotas = server.client.resource(resourcequotas);
  const hard = { pods: '2', 'requests.cpu': '1' };
  const quota = await quotas.create({ metadata: { name: 'q', namespace: 'tight' }, spec: { hard } });
  const pod = (name: string, cpu?: string) =>
    simplePod('tight', name, { containers: [{ name: 'main', image: 'i', ...(cpu ? { resources: { requests: { cpu } } } : {}) }] });
  const create = (name: string, cpu?: string) => server.client.resource(pods).create(pod(name, cpu));
  await quotas.updateStatus({ ...quota, status: { hard, used: { pods: '0', 'requests.cpu': '0' } } });
  await assert.rejects(create('silent'), { message: 'pods "silent" is forbidden: failed quota: q: must specify requests.cpu for: main' });
  await assert.rejects(create('large', '1500m'), {
    message: 'pods "large" is forbidden: exceeded quota: q, requested: requests.cpu=1500m, used: requests.cpu=0, limited: requests.cpu=1',
  });
  const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => create(name, '100m')));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2);
  const [failure] = results.filter((result) => result.status === 'rejected');
  assert.match(String(failure?.reason), /exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2/);
  assert.deepEqual((await quotas.get('tight', 'q')).status?.used, { pods: '2', 'requests.cpu': '200m' });
});

test('claims get the default storage class and a finalizer', async () => {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await server.client.resource(storageclasses).create({ metadata: { name: 'standard', annotations }, provisioner: 'p' });
  const claim = await server.client.resource(persistentvolumeclaims).create({
    metadata: { name: 'c', namespace: 'ns' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  assert.equal(claim.spec.storageClassName, 'standard');
  assert.deepEqual(claim.metadata.finalizers, ['kubernetes.io/pvc-protection']);
  // Only a bound claim may grow at all, and then only with a class that allows it.
  const bound = await server.request('PUT', '/api/v1/namespaces/ns/persistentvolumeclaims/c/status', { ...claim, status: { phase: 'Bound' } });
  bound.body.spec.resources = { requests: { storage: '2Gi' } };
  await assert.rejects(server.client.resource(persistentvolumeclaims).update(bound.body), { code: 403 });
});

test('a kubelet may change its own node alone, and not its taints', async () => {
  const kubelet = server.as('system:node:n1', ['system:nodes']);
  const node = await kubelet.resource(nodes).create({ metadata: { name: 'n1', labels: { 'kubernetes.io/os': 'linux' } }, spec: {} });
  assert.deepEqual(node.spec?.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  await assert.rejects(kubelet.resource(nodes).create({ metadata: { name: 'n2' }, spec: {} }), {
    message: 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
  });
  await assert.rejects(kubelet.resource(nodes).update({ ...node, spec: { ...node.spec, taints: [] } }), {
    message: 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
  });
  const labels = { ...node.metadata.labels, 'node-restriction.kubernetes.io/x': 'y' };
  await assert.rejects(kubelet.resource(nodes).update({ ...node, metadata: { ...node.metadata, labels } }), {
    message: 'nodes "n1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/x',
  });
});

test('roles are written only by who holds what they grant', async () => {
  const root = server.client.resource(clusterroles);
  await root.create({ metadata: { name: 'writer' }, rules: [{ verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] }] });
  await server.request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'writer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writer' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob' }],
  });
  const bob = server.as('bob', []);
  await assert.rejects(
    bob.resource(clusterroles).create({ metadata: { name: 'x' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'] }] }),
    /is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["secrets"\], Verbs:\["get"\]\}/,
  );
});
