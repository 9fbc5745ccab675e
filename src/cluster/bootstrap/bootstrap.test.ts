/** A whole control plane without controllers, reached over TLS as its users reach it. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import pino from 'pino';
import { selfsubjectreviews } from '../../api/authentication/v1/selfsubjectreview.ts';
import type { TokenRequest } from '../../api/authentication/v1/types.gen.ts';
import { certificatesigningrequests } from '../../api/certificates/v1/certificatesigningrequest.ts';
import { configmaps } from '../../api/core/v1/configmap.ts';
import { namespaces } from '../../api/core/v1/namespace.ts';
import { nodes } from '../../api/core/v1/node.ts';
import { secrets } from '../../api/core/v1/secret.ts';
import { services } from '../../api/core/v1/service.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { roles } from '../../api/rbac/v1/role.ts';
import { rolebindings } from '../../api/rbac/v1/rolebinding.ts';
import { uncovered } from '../../apiserver/authorization/rules.ts';
import type { Client } from '../../client/client.ts';
import { type ClientCredentials, createHttpsTransport } from '../../client/https.ts';
import { createClient } from '../../client/rest.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { createPki, issueClient, issueNodeClient, type KeyPair } from '../pki/pki.ts';
import { applyBootstrap } from './bootstrap.ts';
import { createJoinToken, joinTokenSecret } from './token.ts';

const pki = createPki();
const store = createMemoryStore();
const opened: Client[] = [];
let plane: ControlPlane;

function connect(credentials: ClientCredentials): Client {
  const client = createClient(createHttpsTransport({ server: plane.url, ca: pki.ca.certificate, credentials }));
  opened.push(client);
  return client;
}

const withCertificate = ({ certificate, key }: KeyPair): Client => connect({ cert: certificate, key });

const bootstrapAgain = (): Promise<void> => applyBootstrap(plane.client, { serverUrl: plane.url, clusterCa: pki.ca.certificate, dnsIp: '10.96.0.10' });

async function nameOf(client: Client): Promise<string | undefined> {
  const { status } = await client.resource(selfsubjectreviews).create({ metadata: { name: '' } });
  return status?.userInfo?.username;
}

before(async () => {
  plane = await startControlPlane({
    store,
    pki,
    listen: [{ address: '127.0.0.1', port: 0 }],
    serviceCidr: '10.96.0.0/16',
    podCidr: '10.244.0.0/16',
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    controllers: [],
    scheduler: false,
    log: pino({ level: 'silent' }),
  });
});

after(async () => {
  await Promise.all(opened.map((client) => client.close()));
  await plane.stop();
});

test('every cluster has the roles, and the services, that its components ask for', async () => {
  const { items } = await plane.client.resource(clusterroles).list('');
  const admin = items.find(({ metadata }) => metadata.name === 'admin');
  assert.deepEqual(admin?.aggregationRule?.clusterRoleSelectors, [{ matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } }]);
  for (const { metadata } of items.filter(({ metadata: { name } }) => name.startsWith('system:'))) {
    assert.equal(metadata.labels?.['kubernetes.io/bootstrapping'], 'rbac-defaults', metadata.name);
    assert.equal(metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'], 'true', metadata.name);
  }
  const dns = await plane.client.resource(services).get('kube-system', 'kube-dns');
  assert.equal(dns.spec.clusterIP, '10.96.0.10');
});

test('a second start writes nothing', async () => {
  const revision = () =>
    plane.client
      .resource(namespaces)
      .list('')
      .then(({ metadata }) => metadata.resourceVersion);
  const first = await revision();
  await bootstrapAgain();
  assert.equal(await revision(), first);
});

test('what is missing from a role comes back, what was added stays, and a role that is not to be updated is left alone', async () => {
  const defaults = plane.client.resource(clusterroles);
  const bindings = plane.client.resource(clusterrolebindings);
  const own = { apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] };
  const rulesOf = async (name: string) => (await defaults.get('', name)).rules ?? [];
  const [scheduler, proxier, basic] = await Promise.all(
    ['system:kube-scheduler', 'system:node-proxier', 'system:basic-user'].map((name) => defaults.get('', name)),
  );
  assert.ok(scheduler && proxier && basic);
  await defaults.update({ ...scheduler, rules: [own, ...(scheduler.rules ?? []).slice(1)] });
  await defaults.update({ ...proxier, metadata: { ...proxier.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }, rules: [] });
  await defaults.delete('', 'system:basic-user');
  const discovery = await bindings.get('', 'system:discovery');
  await bindings.update({ ...discovery, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'somebody' }] });

  await bootstrapAgain();

  const again = await rulesOf('system:kube-scheduler');
  assert.deepEqual(again[0], own);
  assert.deepEqual(uncovered(again, scheduler.rules ?? []), []);
  assert.deepEqual(await rulesOf('system:node-proxier'), []);
  assert.deepEqual(await rulesOf('system:basic-user'), basic.rules);
  assert.deepEqual(
    (await bindings.get('', 'system:discovery')).subjects?.map(({ name }) => name),
    ['somebody', 'system:authenticated'],
  );
});

test('a certificate of the cluster says who its holder is; one of another authority says nothing', async () => {
  assert.equal(await nameOf(withCertificate(issueClient(pki, 'alice', ['developers']))), 'alice');
  assert.equal(await nameOf(withCertificate(issueNodeClient(pki, 'n1'))), 'system:node:n1');
  const stranger = withCertificate(issueClient(createPki(), 'alice', ['system:masters']));
  await assert.rejects(stranger.resource(nodes).list(''), { code: 401, message: 'Unauthorized' });
  await assert.rejects(connect({ token: 'nonsense' }).resource(nodes).list(''), { code: 401 });
  await assert.rejects(connect({}).resource(nodes).list(''), {
    code: 403,
    message: 'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
  });
});

test('a role bound in one namespace holds in that one alone', async () => {
  const admin = withCertificate(pki.leaves.admin);
  for (const name of ['mine', 'theirs']) await admin.resource(namespaces).create({ metadata: { name }, spec: {} });
  const subject = { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob' };
  await admin.resource(roles).create({
    metadata: { name: 'reader', namespace: 'mine' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }],
  });
  await admin.resource(rolebindings).create({
    metadata: { name: 'bob', namespace: 'mine' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [subject],
  });
  const bob = withCertificate(issueClient(pki, 'bob', [])).resource(configmaps);
  assert.deepEqual((await bob.list('mine')).items, []);
  await assert.rejects(bob.list('theirs'), {
    code: 403,
    message: 'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "theirs"',
  });
  await assert.rejects(bob.create({ metadata: { name: 'a', namespace: 'mine' } }), { code: 403 });
  await admin.resource(rolebindings).delete('mine', 'bob');
  await assert.rejects(bob.list('mine'), { code: 403 });
});

test('a machine that holds a join token may ask for a certificate, and for nothing else', async () => {
  const anonymous = connect({});
  const info = await anonymous.resource(configmaps).get('kube-public', 'cluster-info');
  assert.match(info.data?.kubeconfig ?? '', new RegExp(plane.url));
  const token = createJoinToken();
  await plane.client.resource(secrets).create(joinTokenSecret(token));
  const machine = connect({ token });
  assert.equal(await nameOf(machine), `system:bootstrap:${token.slice(0, 6)}`);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: ['system:node:n2'] }],
    keys: await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const asked = await machine.resource(certificatesigningrequests).create({
    metadata: { name: 'n2' },
    spec: {
      request: Buffer.from(request.toString('pem')).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  });
  assert.deepEqual(asked.spec.groups, ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated']);
  await assert.rejects(machine.resource(secrets).list('kube-system'), { code: 403 });
});

test('the token of a service account is good for as long as the account is there', async () => {
  const accounts = plane.client.resource(serviceaccounts);
  await accounts.create({ metadata: { name: 'robot', namespace: 'default' } });
  const { status } = await accounts.subresource<TokenRequest>('POST', 'default', 'robot', 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {},
    spec: { expirationSeconds: 600 },
  });
  const robot = connect({ token: status?.token ?? '' });
  assert.equal(await nameOf(robot), 'system:serviceaccount:default:robot');
  await accounts.delete('default', 'robot');
  await assert.rejects(robot.resource(selfsubjectreviews).create({ metadata: { name: '' } }), { code: 401 });
});
