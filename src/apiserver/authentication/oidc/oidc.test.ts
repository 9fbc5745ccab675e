import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AuthenticatedServer, startTestIssuer, type TestIssuer, withAuthentication } from '../testing.ts';
import type { OidcFlags } from './configuration.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-authentication-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
const serviceAccounts = { signingKey };
let files = 0;
function configuration(content: object, file = join(directory, `${++files}.yaml`)): string {
  writeFileSync(file, JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', ...content }));
  return file;
}
const bySub = { username: { claim: 'sub', prefix: '' } };
const issuerOf = ({ url, ca }: TestIssuer, more: object = {}) => ({ url, certificateAuthority: ca, audiences: ['kubernetes'], ...more });

const withFile = (content: object, use: (server: AuthenticatedServer) => Promise<void>): Promise<void> =>
  withAuthentication({ serviceAccounts, file: configuration(content) }, use);
const withFlags = (issuer: TestIssuer, flags: Partial<OidcFlags>, use: (server: AuthenticatedServer) => Promise<void>): Promise<void> =>
  withAuthentication({ serviceAccounts, oidc: { issuerUrl: issuer.url, clientId: 'kubernetes', ca: issuer.ca, ...flags } }, use);

/** Discovery happens beside the start. */
async function known(server: AuthenticatedServer, token: string): Promise<any> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    const { user } = await server.as(token);
    if (user) return user;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return assert.fail('the token was not accepted');
}

test('a token of an issuer that flags name makes a user of that issuer', async () => {
  await using issuer = await startTestIssuer();
  await issuer.rotate('RS256');
  await withFlags(issuer, { groupsClaim: 'groups', groupsPrefix: 'oidc:', requiredClaims: { hd: 'example.com' } }, async (server) => {
    const claims = { sub: 'jane', hd: 'example.com', groups: ['dev', 'ops'], jti: 'id-1' };
    assert.deepEqual(await known(server, await issuer.token(claims)), {
      username: `${issuer.url}#jane`,
      groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=id-1'] },
    });
    const refused = [{ ...claims, hd: 'other.com' }, { ...claims, exp: 1 }, { hd: 'example.com' }, { ...claims, nbf: Date.now() }, { ...claims, groups: [1] }];
    for (const one of refused) assert.equal((await server.as(await issuer.token(one))).status, 401);
    assert.equal((await server.as(await issuer.token(claims, 'another'))).status, 401);
    assert.deepEqual((await known(server, await issuer.token({ ...claims, groups: 'one' }))).groups, ['oidc:one', 'system:authenticated']);
    await issuer.rotate('ES256');
    assert.equal((await server.as(await issuer.token(claims))).status, 401, 'an algorithm that is not allowed');
    await issuer.rotate('RS256');
    assert.equal((await server.as(await issuer.token(claims))).status, 201, 'a key that is newer than those that were fetched');
  });
});

test('an e-mail address is a name when it is verified', async () => {
  await using issuer = await startTestIssuer();
  await withFlags(issuer, { usernameClaim: 'email', signingAlgs: ['ES256'] }, async (server) => {
    assert.equal((await known(server, await issuer.token({ sub: 'x', email: 'a@b.c', email_verified: true }))).username, 'a@b.c');
    assert.equal((await server.as(await issuer.token({ sub: 'x', email: 'a@b.c', email_verified: false }))).status, 401);
  });
});

test('several issuers, each with expressions of its own', async () => {
  await using one = await startTestIssuer();
  await using two = await startTestIssuer('/realms/two');
  two.serve('/elsewhere/discovery', JSON.stringify({ issuer: 'https://unreachable.example.com', jwks_uri: `${new URL(two.url).origin}/keys` }));
  const content = {
    jwt: [
      {
        issuer: issuerOf(one, { audiences: ['a', 'b'], audienceMatchPolicy: 'MatchAny' }),
        claimValidationRules: [
          { expression: 'claims.exp - claims.iat <= 3600', message: 'too long a life' },
          { claim: 'hd', requiredValue: 'example.com' },
        ],
        claimMappings: {
          username: { expression: "claims.email_verified ? 'one:' + claims.email : 'one:' + claims.sub" },
          groups: { expression: "claims.roles.split(',').map(r, 'role:' + r)" },
          uid: { claim: 'oid' },
          extra: [
            { key: 'example.com/tenant', valueExpression: 'claims.tenant' },
            { key: 'example.com/none', valueExpression: "claims.?nothing.orValue('')" },
          ],
        },
        userValidationRules: [
          { expression: "!user.username.startsWith('one:system')", message: 'reserved' },
          { expression: "user.groups.all(g, g != 'role:bad')" },
        ],
      },
      {
        issuer: issuerOf(two, { url: 'https://unreachable.example.com', discoveryURL: `${new URL(two.url).origin}/elsewhere/discovery` }),
        claimMappings: { username: { claim: 'sub', prefix: 'two:' }, uid: { expression: "'u-' + claims.sub" } },
      },
    ],
  };
  await withFile(content, async (server) => {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { sub: 's', email: 'a@b.c', email_verified: true, roles: 'x,y', oid: '77', tenant: ['t1', 't2'], hd: 'example.com', iat, exp: iat + 600 };
    assert.deepEqual(await known(server, await one.token(claims, ['z', 'b'])), {
      username: 'one:a@b.c',
      uid: '77',
      groups: ['role:x', 'role:y', 'system:authenticated'],
      extra: { 'example.com/tenant': ['t1', 't2'] },
    });
    const refused = [
      { ...claims, exp: iat + 7200 },
      { ...claims, hd: 'x' },
      { ...claims, email: '', email_verified: false, sub: 'system:x' },
      { ...claims, roles: 'bad' },
    ];
    for (const bad of refused) assert.equal((await server.as(await one.token(bad, 'a'))).status, 401, JSON.stringify(bad));
    assert.deepEqual(await known(server, await two.token({ iss: 'https://unreachable.example.com', sub: 'joe' })), {
      username: 'two:joe',
      uid: 'u-joe',
      groups: ['system:authenticated'],
    });
    // Signed by one issuer in the name of the other.
    assert.equal((await server.as(await one.token({ iss: 'https://unreachable.example.com', sub: 'joe' }))).status, 401);
    const review = await server.post('/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: await one.token({ ...claims, exp: iat + 7200 }, 'a') },
    });
    assert.match(
      review.body.status.error,
      /oidc: error evaluating claim validation expression: validation expression 'claims\.exp - claims\.iat <= 3600' failed: too long a life/,
    );
  });
});

test('groups may have to be fetched from elsewhere (distributed claims)', async () => {
  await using issuer = await startTestIssuer();
  const groups = await issuer.token({ groups: ['far'] });
  issuer.serve('/groups', () => groups);
  await withFile({ jwt: [{ issuer: issuerOf(issuer), claimMappings: { ...bySub, groups: { claim: 'groups', prefix: '' } } }] }, async (server) => {
    const claims = { sub: 'jane', _claim_names: { groups: 'src' }, _claim_sources: { src: { endpoint: `${issuer.url}/groups`, access_token: 'x' } } };
    assert.deepEqual((await known(server, await issuer.token(claims))).groups, ['far', 'system:authenticated']);
  });
});

test('anonymous requests are let in where the file says, and nowhere else', async () => {
  await withFile({ anonymous: { enabled: true, conditions: [{ path: '/livez' }] } }, async (server) => {
    assert.equal((await server.get('/livez')).status, 200);
    assert.equal((await server.get('/version')).status, 401);
  });
  await withFile({ anonymous: { enabled: false } }, async (server) => {
    assert.equal((await server.get('/livez')).status, 401);
  });
});

test('a changed file is taken in while the server runs; a bad one, or one whose issuer can not be found, is not', async () => {
  await using one = await startTestIssuer();
  await using two = await startTestIssuer();
  const jwt = (issuer: TestIssuer) => ({ issuer: issuerOf(issuer), claimMappings: bySub });
  const file = configuration({ jwt: [jwt(one)] });
  await withAuthentication({ serviceAccounts, file }, async (server) => {
    const [mine, other] = [await one.token({ sub: 'mine' }), await two.token({ sub: 'other' })];
    await known(server, mine);
    configuration({ jwt: [{ ...jwt(two), issuer: {} }] }, file);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal((await server.as(mine)).status, 201);
    configuration({ jwt: [jwt(two)] }, file);
    assert.equal((await known(server, other)).username, 'other');
    assert.equal((await server.as(mine)).status, 401);
  });
});

const valid = { issuer: { url: 'https://example.com', audiences: ['a'] }, claimMappings: bySub };
const mapped = (claimMappings: object) => ({ jwt: [{ ...valid, claimMappings }] });
const wrong: [string, object, RegExp][] = [
  [
    'no issuer',
    { jwt: [{ claimMappings: bySub }] },
    /jwt\[0\]\.issuer\.url: Required value, jwt\[0\]\.issuer\.audiences: Required value: at least one jwt\[0\]\.issuer\.audiences is required/,
  ],
  [
    'plain HTTP',
    { jwt: [{ ...valid, issuer: { url: 'http://example.com', audiences: ['a'] } }] },
    /jwt\[0\]\.issuer\.url: Invalid value: "http:\/\/example\.com": URL scheme must be https/,
  ],
  ['the same issuer twice', { jwt: [valid, valid] }, /jwt\[1\]\.issuer\.url: Duplicate value: "https:\/\/example\.com"/],
  [
    "the server's own issuer",
    { jwt: [{ ...valid, issuer: { url: 'https://kubernetes.default.svc.cluster.local', audiences: ['a'] } }] },
    /URL must not overlap with disallowed issuers: \[https:\/\/kubernetes\.default\.svc\.cluster\.local\]/,
  ],
  [
    'a bad certificate',
    { jwt: [{ ...valid, issuer: { ...valid.issuer, certificateAuthority: 'x' } }] },
    /jwt\[0\]\.issuer\.certificateAuthority: Invalid value: "<omitted>": data does not contain/,
  ],
  [
    'many audiences, any of which',
    { jwt: [{ ...valid, issuer: { ...valid.issuer, audiences: ['a', 'b'] } }] },
    /audienceMatchPolicy must be MatchAny for multiple audiences/,
  ],
  ['no prefix', mapped({ username: { claim: 'sub' } }), /jwt\[0\]\.claimMappings\.username\.prefix: Required value: prefix is required when claim is set/],
  [
    'claim and expression',
    mapped({ username: { claim: 'sub', expression: 'claims.sub' } }),
    /jwt\[0\]\.claimMappings\.username: Invalid value: "": claim and expression can't both be set/,
  ],
  [
    'an expression that is none',
    mapped({ username: { expression: 'claims.sub +' } }),
    /jwt\[0\]\.claimMappings\.username\.expression: Invalid value: "claims\.sub \+": compilation failed/,
  ],
  ['an unverified address', mapped({ username: { expression: 'claims.email' } }), /claims\.email_verified must be used in/],
  [
    'a reserved key',
    mapped({ ...bySub, extra: [{ key: 'x.k8s.io/a', valueExpression: "'a'" }] }),
    /jwt\[0\]\.claimMappings\.extra\[0\]\.key: Invalid value: "x\.k8s\.io\/a": k8s\.io, kubernetes\.io and their subdomains are reserved/,
  ],
  [
    'a rule that is no condition',
    { jwt: [{ ...valid, claimValidationRules: [{ expression: "'x'" }] }] },
    /jwt\[0\]\.claimValidationRules\[0\]\.expression: Invalid value: "'x'": must evaluate to bool/,
  ],
  [
    'a rule about no field of users',
    { jwt: [{ ...valid, userValidationRules: [{ expression: "user.name == 'x'" }] }] },
    /jwt\[0\]\.userValidationRules\[0\]\.expression: Invalid value: .*compilation failed/,
  ],
  [
    'an egress selector',
    { jwt: [{ ...valid, issuer: { ...valid.issuer, egressSelectorType: 'cluster' } }] },
    /jwt\[0\]\.issuer\.egressSelectorType: Invalid value: "cluster": this server has no egress selector/,
  ],
  [
    'conditions of nothing',
    { anonymous: { enabled: false, conditions: [{ path: '/x' }] } },
    /anonymous\.conditions: .*enabled should be set to true when conditions are defined/,
  ],
];
for (const [name, content, message] of wrong) {
  test(`a file with ${name} is refused`, async () => {
    const file = configuration(content);
    await assert.rejects(
      withAuthentication({ serviceAccounts, file }, async () => {}),
      (error: Error) => error.message.startsWith(`--authentication-config: ${file}: `) && message.test(error.message),
    );
  });
}
