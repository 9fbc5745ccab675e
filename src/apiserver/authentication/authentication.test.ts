import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { nodes } from '../../api/core/v1/node.ts';
import { pods } from '../../api/core/v1/pod.ts';
import { secrets } from '../../api/core/v1/secret.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import { StatusError } from '../../apimachinery/errors.ts';
import { createKeySet, createTokenSigner } from '../../apimachinery/tokenkeys.ts';
import { issueCertificate } from '../../apimachinery/x509/certificate.ts';
import { createMemoryReader } from '../authorization/memoryreader.ts';
import type { Authorizer, CustomRequest, PeerCertificate } from '../contracts.ts';
import { type AuthenticatorOptions, createAuthenticator, createTokenAuthenticator } from './authenticator.ts';
import { impersonate } from './impersonate.ts';
import { reviewToken } from './reviews.ts';
import { requestToken } from './tokenrequest.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
const sign = createTokenSigner(pem);

function setUp(now = new Date('2026-05-01T10:00:00Z')) {
  const reader = createMemoryReader();
  reader.put(serviceaccounts, { metadata: { name: 'default', namespace: 'ns', uid: 'sa-uid' } });
  reader.put(nodes, { metadata: { name: 'n1', uid: 'node-uid' } });
  reader.put(pods, {
    metadata: { name: 'p', namespace: 'ns', uid: 'pod-uid' },
    spec: { serviceAccountName: 'default', nodeName: 'n1', containers: [] },
  } as never);
  let clock = now;
  const options: AuthenticatorOptions = {
    reader,
    apiAudiences: [issuer],
    serviceAccounts: { issuers: [issuer], keys: createKeySet([pem]) },
    bootstrapTokens: true,
    anonymous: { enabled: true },
    now: () => clock,
  };
  const issue = (spec: object, name = 'default'): Promise<string> =>
    requestToken({ reader, issuer, sign, apiAudiences: [issuer] }, request({ metadata: { name: '' }, spec }, name, clock)).then(
      ({ status }) => status?.token ?? '',
    );
  return { reader, options, issue, setClock: (date: Date) => (clock = date) };
}

const request = (body: object, name: string, now: Date): CustomRequest => ({
  user: { username: 'u', groups: [] },
  namespace: 'ns',
  name,
  body,
  dryRun: false,
  now,
  warn: () => undefined,
  annotate: () => undefined,
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` }, remoteAddress: '' });
const rejected = (code: number) => (error: unknown) => error instanceof StatusError && error.code === code;

test('a token bound to a pod says which pod and node it came from', async () => {
  const { options, issue } = setUp();
  const token = await issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'pod-uid' } });
  const identity = await createAuthenticator(options)(bearer(token));
  assert.equal(identity?.user.username, 'system:serviceaccount:ns:default');
  assert.deepEqual(identity.user.groups, ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated']);
  assert.deepEqual(identity.user.extra?.['authentication.kubernetes.io/pod-uid'], ['pod-uid']);
  assert.deepEqual(identity.user.extra['authentication.kubernetes.io/node-name'], ['n1']);
  assert.match(identity.user.extra['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^JTI=/);
});

test('a token dies with its pod, with its account, and with time', async () => {
  const { options, issue, reader, setClock } = setUp();
  const authenticate = createAuthenticator(options);
  const token = await issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' }, expirationSeconds: 600 });
  assert.ok(await authenticate(bearer(token)));
  setClock(new Date('2026-05-01T10:12:00Z'));
  await assert.rejects(authenticate(bearer(token)), rejected(401));
  setClock(new Date('2026-05-01T10:00:00Z'));
  reader.remove(pods, 'ns', 'p');
  await assert.rejects(authenticate(bearer(token)), rejected(401));
  const unbound = await issue({});
  reader.put(serviceaccounts, { metadata: { name: 'default', namespace: 'ns', uid: 'another' } });
  await assert.rejects(authenticate(bearer(unbound)), rejected(401));
});

test('a token for another audience is refused, and TokenReview says why', async () => {
  const { options, issue } = setUp();
  const token = await issue({ audiences: ['vault'] });
  await assert.rejects(createAuthenticator(options)(bearer(token)), rejected(401));
  const tokens = createTokenAuthenticator(options);
  const review = (audiences?: string[]) => reviewToken({ metadata: { name: '' }, spec: { token, ...(audiences ? { audiences } : {}) } }, tokens, [issuer]);
  assert.match((await review()).status?.error ?? '', /token audiences \["vault"\] is invalid for the target audiences/);
  assert.deepEqual((await review(['vault', 'other'])).status?.audiences, ['vault']);
});

test('a token whose signature is not ours is refused', async () => {
  const { options, issue } = setUp();
  const token = await issue({});
  const forged = `${token.slice(0, -6)}AAAAAA`;
  await assert.rejects(createAuthenticator(options)(bearer(forged)), rejected(401));
});

test('token requests are checked as upstream does', async () => {
  const { issue } = setUp();
  await assert.rejects(issue({ expirationSeconds: 60 }), (error: StatusError) => error.message.includes('may not specify a duration less than 10 minutes'));
  await assert.rejects(issue({}, 'nobody'), rejected(404));
  await assert.rejects(issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'old' } }), rejected(409));
});

test('a bootstrap token belongs to its Secret until that expires', async () => {
  const { options, reader } = setUp();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const secret = (extra: Record<string, string>) => ({
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(
      Object.entries({ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', ...extra }).map(([key, value]) => [
        key,
        base64(value),
      ]),
    ),
  });
  reader.put(secrets, secret({ 'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token' }));
  const authenticate = createAuthenticator(options);
  assert.deepEqual((await authenticate(bearer('abcdef.0123456789abcdef')))?.user, {
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'],
  });
  await assert.rejects(authenticate(bearer('abcdef.0123456789abcdeX')), rejected(401));
  reader.put(secrets, secret({ expiration: '2026-04-01T00:00:00Z' }));
  await assert.rejects(authenticate(bearer('abcdef.0123456789abcdef')), rejected(401));
});

function authority(name: string) {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuedBy = { key: keys.privateKey, publicKey: keys.publicKey, name: { commonName: name, organizations: [] } };
  const span = { notBefore: new Date('2026-01-01'), notAfter: new Date('2027-01-01') };
  const ca = issueCertificate({ subject: issuedBy.name, ...span, isCA: true, keyUsages: ['keyCertSign'], publicKey: keys.publicKey }, issuedBy);
  const peer = (commonName: string, organizations: string[]): PeerCertificate => ({
    commonName,
    organizations,
    raw: issueCertificate({ subject: { commonName, organizations }, ...span, keyUsages: ['digitalSignature'], publicKey: keys.publicKey }, issuedBy),
  });
  return { ca: new X509Certificate(ca).toString(), peer };
}

test('a client certificate names user and groups; one of the front proxy lets its headers speak', async () => {
  const { options } = setUp();
  const [clients, proxy] = [authority('clients'), authority('proxy')];
  const authenticate = createAuthenticator({
    ...options,
    clientCa: clients.ca,
    requestHeaders: [
      {
        ca: proxy.ca,
        allowedNames: ['front-proxy-client'],
        usernameHeaders: ['X-Remote-User'],
        groupHeaders: ['X-Remote-Group'],
        extraHeaderPrefixes: ['X-Remote-Extra-'],
      },
    ],
  });
  const headers = { 'x-remote-user': 'alice', 'x-remote-group': 'a, b', 'x-remote-extra-scopes': 's' };
  const direct = await authenticate({ headers, remoteAddress: '', peerCertificate: clients.peer('bob', ['dev']) });
  assert.deepEqual([direct?.user.username, direct?.user.groups], ['bob', ['dev', 'system:authenticated']]);
  const forwarded = await authenticate({ headers, remoteAddress: '', peerCertificate: proxy.peer('front-proxy-client', []) });
  assert.deepEqual(forwarded?.user, { username: 'alice', groups: ['a', 'b', 'system:authenticated'], extra: { scopes: ['s'] } });
  await assert.rejects(authenticate({ headers, remoteAddress: '', peerCertificate: proxy.peer('somebody', []) }), rejected(401));
  await assert.rejects(authenticate({ headers, remoteAddress: '', peerCertificate: { ...clients.peer('bob', []), unverified: true } }), rejected(401));
});

test('a WebSocket may carry its token as a subprotocol, beside another one', async () => {
  const { options, issue } = setUp();
  const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from(await issue({})).toString('base64url')}`;
  const headers = (protocols: string) => ({ headers: { upgrade: 'websocket', 'sec-websocket-protocol': protocols }, remoteAddress: '' });
  const authenticate = createAuthenticator(options);
  assert.equal((await authenticate(headers(`v5.channel.k8s.io, ${protocol}`)))?.user.uid, 'sa-uid');
  await assert.rejects(authenticate(headers(protocol)), rejected(401));
});

const list = { verb: 'list', isResourceRequest: true, group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'ns', name: '', path: '' };
const allowing =
  (...allowed: string[]): Authorizer =>
  ({ verb, resource, subresource, name }) => ({
    decision: allowed.includes(`${verb} ${resource}${subresource && `/${subresource}`} ${name}`) ? 'allow' : 'no-opinion',
    reason: '',
  });

test('impersonation needs the permission for every part', async () => {
  const user = { username: 'root', groups: [] };
  const headers = { 'impersonate-user': 'bob', 'impersonate-group': 'dev, ops', 'impersonate-extra-scopes': 'x' };
  const all = allowing('impersonate users bob', 'impersonate groups dev', 'impersonate groups ops', 'impersonate userextras/scopes x');
  assert.deepEqual(await impersonate(user, headers, list, all), {
    user: { username: 'bob', groups: ['dev', 'ops', 'system:authenticated'], extra: { scopes: ['x'] } },
    constraint: '',
  });
  await assert.rejects(impersonate(user, headers, list, allowing('impersonate users bob')), {
    message: 'pods is forbidden: User "root" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "ns"',
  });
  await assert.rejects(impersonate(user, { 'impersonate-extra-x': 'y' }, list, all), {
    code: 400,
    message:
      'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"x":[]string{"y"}}} without impersonating a user name',
  });
  assert.equal(await impersonate(user, {}, list, all), undefined);
});

test('a constrained mode lets a service account be impersonated for one verb', async () => {
  const authorizer = allowing('impersonate-on:serviceaccount:list pods ', 'impersonate:serviceaccount serviceaccounts sa');
  assert.deepEqual(await impersonate({ username: 'root', groups: [] }, { 'impersonate-user': 'system:serviceaccount:ns:sa' }, list, authorizer), {
    user: { username: 'system:serviceaccount:ns:sa', groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'] },
    constraint: 'impersonate:serviceaccount',
  });
});
