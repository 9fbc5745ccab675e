import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { issueCertificate } from '../../apimachinery/x509/certificate.ts';
import { encodePem } from '../../apimachinery/x509/der.ts';
import { startTestWebhook } from '../testing/webhook.ts';
import { withAuthentication } from './testing.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-credentials-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const newKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
const serviceAccounts = { signingKey: newKey() };
const issuer = 'https://kubernetes.default.svc.cluster.local';

test('a webhook says whose token it is, and is not asked again for a while', async () => {
  const kubeconfig = join(directory, 'kubeconfig');
  await using hook = await startTestWebhook(kubeconfig, ({ apiVersion, spec }) => {
    const status =
      spec.token === 'good'
        ? { authenticated: true, user: { username: 'jane', uid: '42', groups: ['dev'], extra: { 'example.com/x': ['y'] } }, audiences: spec.audiences }
        : spec.token === 'expired'
          ? { authenticated: false, error: 'it is too old' }
          : { authenticated: false };
    return { apiVersion, kind: 'TokenReview', status };
  });
  await withAuthentication({ serviceAccounts, webhook: { kubeconfig, version: 'v1' } }, async (server) => {
    for (let again = 0; again < 2; again++) {
      assert.deepEqual((await server.as('good')).user, {
        username: 'jane',
        uid: '42',
        groups: ['dev', 'system:authenticated'],
        extra: { 'example.com/x': ['y'] },
      });
      assert.equal((await server.as('bad')).status, 401);
    }
    assert.deepEqual(
      hook.requests.map(({ apiVersion, spec }) => [apiVersion, spec]),
      ['good', 'bad'].map((token) => ['authentication.k8s.io/v1', { token, audiences: [issuer] }]),
    );
    const review = await server.post('/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: 'expired' },
    });
    assert.equal(review.body.status.error, 'it is too old');
    hook.answer = () => 404;
    assert.equal((await server.as('another')).status, 401);
  });
});

test('tokens stand in a file', async () => {
  const tokenFile = join(directory, 'tokens.csv');
  writeFileSync(tokenFile, '# who\nsecret,jane,1,"dev,ops"\nother,joe,2\n');
  await withAuthentication({ serviceAccounts, tokenFile }, async (server) => {
    assert.deepEqual((await server.as('secret')).user, { username: 'jane', uid: '1', groups: ['dev', 'ops', 'system:authenticated'] });
    assert.equal((await server.as('other')).user.username, 'joe');
    assert.equal((await server.as('none')).status, 401);
  });
  writeFileSync(tokenFile, 'secret,jane\n');
  await assert.rejects(
    withAuthentication({ serviceAccounts, tokenFile }, async () => {}),
    /--token-auth-file: .*line 1: it must have 3 or 4 columns/,
  );
});

function authority(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const by = { key: privateKey, publicKey, name: { commonName: name, organizations: [] } };
  const span = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 600_000) };
  const ca = encodePem('CERTIFICATE', issueCertificate({ subject: by.name, ...span, isCA: true, keyUsages: ['keyCertSign'], publicKey }, by));
  const issue = (commonName: string, organizations: string[] = []) => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const der = issueCertificate(
      { subject: { commonName, organizations }, ...span, keyUsages: ['digitalSignature'], extendedKeyUsages: ['clientAuth'], publicKey: pair.publicKey },
      by,
    );
    return { cert: encodePem('CERTIFICATE', der), key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
  };
  return { ca, issue };
}

test('a client certificate over TLS is a user; one of a proxy that is trusted speaks for others', async () => {
  const [clients, proxy] = [authority('clients'), authority('proxy')];
  const requestHeader = {
    ca: proxy.ca,
    allowedNames: ['gateway'],
    usernameHeaders: ['X-User'],
    groupHeaders: ['X-Group'],
    extraHeaderPrefixes: ['X-Extra-'],
  };
  const options = { serviceAccounts, clientCa: clients.ca, requestHeader };
  const clientCa = `${clients.ca}${proxy.ca}`;
  const headers = { 'x-user': 'jane', 'x-group': 'dev', 'x-extra-example.com%2fx': 'y' };
  await withAuthentication(options, async (server) => assert.equal((await server.whoami(headers)).user.username, 'bob'), {
    ...clients.issue('bob', ['a']),
    clientCa,
  });
  await withAuthentication(
    options,
    async (server) => {
      const { user } = await server.whoami(headers);
      assert.deepEqual(user, { username: 'jane', groups: ['dev', 'system:authenticated'], extra: { 'example.com/x': ['y'] } });
      assert.equal((await server.whoami({})).status, 401);
    },
    { ...proxy.issue('gateway'), clientCa },
  );
  await withAuthentication(options, async (server) => assert.equal((await server.whoami(headers)).status, 401), { ...proxy.issue('somebody'), clientCa });
});

test('keys are rotated: tokens of the key before are good until it goes, and others can verify with what is published', async () => {
  const [before, now] = [newKey(), newKey()];
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } };
  let old = '';
  const request = async (server: Parameters<Parameters<typeof withAuthentication>[1]>[0]): Promise<string> => {
    await server.post('/api/v1/namespaces/default/serviceaccounts', account);
    const { body } = await server.post('/api/v1/namespaces/default/serviceaccounts/robot/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    return body.status.token;
  };
  await withAuthentication({ serviceAccounts: { signingKey: before } }, async (server) => {
    old = await request(server);
    assert.equal((await server.as(old)).user.username, 'system:serviceaccount:default:robot');
  });
  const published = async (server: Parameters<typeof request>[0]) => {
    const configuration = await server.get('/.well-known/openid-configuration');
    const jwks = await server.get('/openid/v1/jwks');
    assert.deepEqual(
      [configuration.headers['content-type'], jwks.headers['content-type'], jwks.headers['cache-control']],
      ['application/json', 'application/jwk-set+json', 'public, max-age=3600'],
    );
    assert.equal(configuration.body.issuer, issuer);
    return jwks.body;
  };
  await withAuthentication({ serviceAccounts: { signingKey: now, verificationKeys: [`${before}${now}`] } }, async (server) => {
    const fresh = await request(server);
    const keys = createLocalJWKSet(await published(server));
    for (const token of [old, fresh]) assert.equal((await jwtVerify(token, keys, { issuer })).payload.sub, 'system:serviceaccount:default:robot');
    // The account is another one by now: the key is good, what the token is bound to is not.
    const review = async (token: string) =>
      (await server.post('/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } })).body
        .status;
    assert.match((await review(old)).error, /service account UID \(.*\) does not match claim/);
    assert.equal((await review(fresh)).authenticated, true);
  });
  await withAuthentication({ serviceAccounts: { signingKey: now } }, async (server) => {
    assert.equal((await published(server)).keys.length, 1);
    assert.equal((await server.as(old)).status, 401);
  });
});
