import assert from 'node:assert/strict';
import { createHmac, verify } from 'node:crypto';
import { test } from 'node:test';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { secrets } from '../../../src/api/core/v1/secret.ts';
import { serviceaccounts } from '../../../src/api/core/v1/serviceaccount.ts';
import { createPki } from '../../../src/cluster/pki/pki.ts';
import { tokenCleanerController } from '../../../src/controllers/bootstrap/cleaner.ts';
import { bootstrapSignerController } from '../../../src/controllers/bootstrap/signer.ts';
import { legacyTokenCleanerController } from '../../../src/controllers/serviceaccount/legacytokencleaner.ts';
import { serviceAccountTokenController } from '../../../src/controllers/serviceaccount/token.ts';
import { eventually, startCluster } from './harness.ts';

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();

test('a token Secret is filled for its service account, and goes with it', async () => {
  const { serviceAccount } = createPki();
  await using cluster = await startCluster({
    controllers: [serviceAccountTokenController],
    settings: { serviceAccountSigningKey: serviceAccount.privateKey, rootCa: 'PEM' },
  });
  const { client } = cluster;
  const account = await client.resource(serviceaccounts).create({ metadata: { name: 'robot', namespace: 'default' } });
  const annotations = { 'kubernetes.io/service-account.name': 'robot' };
  await client.resource(secrets).create({ metadata: { name: 's', namespace: 'default', annotations }, type: 'kubernetes.io/service-account-token' });
  const filled = await eventually(async () => {
    const secret = await client.resource(secrets).get('default', 's');
    return secret.data?.['token'] ? secret : undefined;
  }, 'token');
  assert.equal(decode(filled.data!['ca.crt']), 'PEM');
  assert.equal(decode(filled.data!['namespace']), 'default');
  assert.equal(filled.metadata.annotations!['kubernetes.io/service-account.uid'], account.metadata.uid);
  const [header, claims, signature] = decode(filled.data!['token']).split('.');
  const key = { key: serviceAccount.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature!, 'base64url')));
  assert.equal(JSON.parse(Buffer.from(claims!, 'base64url').toString()).sub, 'system:serviceaccount:default:robot');
  await client.resource(serviceaccounts).delete('default', 'robot');
  await eventually(async () => (await client.resource(secrets).list('default')).items.length === 0, 'secret to go');
});

test('cluster-info is signed by every token, and an expired token goes', async () => {
  await using cluster = await startCluster({ controllers: [bootstrapSignerController, tokenCleanerController] });
  const { client } = cluster;
  await client.resource(namespaces).create({ metadata: { name: 'kube-public' }, spec: {} });
  await client.resource(configmaps).create({ metadata: { name: 'cluster-info', namespace: 'kube-public' }, data: { kubeconfig: 'content' } });
  const token = (id: string, expiration: Date) =>
    client.resource(secrets).create({
      metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', expiration: expiration.toISOString() },
    });
  await token('abcdef', new Date(Date.now() + 3_600_000));
  await token('oldone', new Date(Date.now() - 1_000));
  const signed = await eventually(async () => {
    const { data = {} } = await client.resource(configmaps).get('kube-public', 'cluster-info');
    return data['jws-kubeconfig-abcdef'] ? data : undefined;
  }, 'signature');
  const [header, middle, signature] = signed['jws-kubeconfig-abcdef']!.split('.');
  assert.equal(middle, '');
  const expected = createHmac('sha256', '0123456789abcdef')
    .update(`${header}.${Buffer.from('content').toString('base64url')}`)
    .digest('base64url');
  assert.equal(signature, expected);
  await eventually(async () => (await client.resource(secrets).list('kube-system')).items.length === 1, 'old token to go');
  assert.equal((await client.resource(configmaps).get('kube-public', 'cluster-info')).data!['jws-kubeconfig-oldone'], undefined);
});

test('tokens that were made by themselves and not used for a year are marked, and go a year later; all others stay', async () => {
  const day = 86_400_000;
  // It stands still: what is marked with today's date is asked for by it.
  let time = Date.now() + 500 * day;
  const now = (): Date => new Date(time);
  const dateOf = (days: number): string => new Date(now().getTime() + days * day).toISOString().slice(0, 10);
  await using cluster = await startCluster({
    controllers: [legacyTokenCleanerController],
    now,
    async prepare(client) {
      const data = { since: dateOf(-400) };
      await client.resource(configmaps).create({ metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' }, data });
      const annotations = { 'kubernetes.io/service-account.name': 'robot' };
      const token = (name: string, labels: Record<string, string> = {}, uid = '') =>
        client.resource(secrets).create({
          metadata: { name, namespace: 'default', labels, annotations: { ...annotations, ...(uid ? { 'kubernetes.io/service-account.uid': uid } : {}) } },
          type: 'kubernetes.io/service-account-token',
        });
      const used = 'kubernetes.io/legacy-token-last-used';
      const names = ['unused', 'long-ago', 'recent', 'unclear', 'in-env', 'replaced', 'marked', 'marked-wrongly'];
      const account = { metadata: { name: 'robot', namespace: 'default' }, secrets: names.map((name) => ({ name })) };
      await client.resource(serviceaccounts).create(account);
      await token('unused');
      await token('long-ago', { [used]: dateOf(-366) });
      await token('recent', { [used]: dateOf(-365) });
      await token('unclear', { [used]: 'yesterday' });
      await token('in-env');
      await token('replaced', {}, 'of-another');
      await token('marked', { 'kubernetes.io/legacy-token-invalid-since': dateOf(-366) });
      await token('marked-wrongly', { 'kubernetes.io/legacy-token-invalid-since': 'x' });
      await token('by-hand');
      const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'in-env', key: 'token' } } }];
      await client.resource(pods).create({ metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'web:1', env }] } });
    },
  });
  const found = async () => (await cluster.client.resource(secrets).list('default')).items;
  const marked = async () =>
    (await found()).filter(({ metadata }) => metadata.labels?.['kubernetes.io/legacy-token-invalid-since'] === dateOf(0)).map(({ metadata }) => metadata.name);
  await eventually(async () => (await found()).length === 8 && (await marked()).length === 3, 'the marks');
  assert.deepEqual((await marked()).sort(), ['long-ago', 'marked-wrongly', 'unused']);
  time += 366 * day;
  await cluster.restart();
  await eventually(
    async () => (await found()).every(({ metadata }) => !['long-ago', 'marked-wrongly', 'unused'].includes(metadata.name)),
    'the end of the marked',
  );
});
