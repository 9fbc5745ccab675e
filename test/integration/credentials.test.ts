/** Who is refused, and what with: codes, reasons and messages as upstream's 1.36 server answers, recorded from it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTokenSigner } from '../../src/apimachinery/tokenkeys.ts';
import { createPki, issueClient } from '../../src/cluster/pki/pki.ts';
import { checkCases } from '../support/cases.ts';
import { startTestControlPlane, type TestControlPlane } from '../support/controlplane.ts';

let cluster: TestControlPlane;
before(async () => {
  cluster = await startTestControlPlane();
  await cluster.kubectl(['create', 'serviceaccount', 'limited']);
});
after(() => cluster[Symbol.asyncDispose]());

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

/** A token of the cluster's own key that was good until a moment ago. */
function expiredToken(subject: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  const [namespace = '', name = ''] = subject.split(':').slice(2);
  const claims = {
    iss: issuer,
    aud: [issuer],
    sub: subject,
    iat: now - 7_200,
    nbf: now - 7_200,
    exp: now - 60,
    'kubernetes.io': { namespace, serviceaccount: { name, uid: 'any' } },
  };
  return createTokenSigner(cluster.pki.serviceAccount.privateKey)(claims);
}

test('who they are not, and what they may not', async () => {
  const unauthorized: [number, string, string] = [401, 'Unauthorized', 'Unauthorized'];
  const limited = 'system:serviceaccount:default:limited';
  const token = (await cluster.kubectl(['create', 'token', 'limited'])).stdout.trim();
  const as = { token };
  const denied = (what: string): string => `User "${limited}" cannot ${what}`;
  await checkCases(cluster, {
    'a certificate of another CA': { request: ['GET', maps, { as: issueClient(createPki(), 'admin', ['system:masters']) }], gets: unauthorized },
    'no token': { request: ['GET', maps, { as: { token: 'nonsense' } }], gets: unauthorized },
    'an expired token': { request: ['GET', maps, { as: { token: expiredToken(limited) } }], gets: unauthorized },
    nobody: {
      request: ['GET', maps, { as: null }],
      gets: [403, 'Forbidden', 'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"'],
    },
    'a list': {
      request: ['GET', '/api/v1/namespaces/default/secrets', { as }],
      gets: [403, 'Forbidden', `secrets is forbidden: ${denied('list resource "secrets" in API group "" in the namespace "default"')}`],
    },
    'one of them': {
      request: ['GET', '/api/v1/namespaces/default/secrets/x', { as }],
      gets: [403, 'Forbidden', `secrets "x" is forbidden: ${denied('get resource "secrets" in API group "" in the namespace "default"')}`],
    },
    'all of them': {
      request: ['DELETE', deployments, { as }],
      gets: [
        403,
        'Forbidden',
        `deployments.apps is forbidden: ${denied('deletecollection resource "deployments" in API group "apps" in the namespace "default"')}`,
      ],
    },
    'what is the cluster’s': {
      request: ['GET', '/api/v1/nodes', { as }],
      gets: [403, 'Forbidden', `nodes is forbidden: ${denied('list resource "nodes" in API group "" at the cluster scope')}`],
    },
    'a path': { request: ['GET', '/metrics', { as }], gets: [403, 'Forbidden', `forbidden: ${denied('get path "/metrics"')}`] },
    'a subresource': {
      request: ['POST', `${pods}/x/exec?command=a`, { as }],
      gets: [403, 'Forbidden', `pods "x" is forbidden: ${denied('create resource "pods/exec" in API group "" in the namespace "default"')}`],
    },
  });
  const good = await cluster.request('GET', '/api/v1', { as });
  assert.equal(good.status, 200);
  const short = await cluster.kubectl(['create', 'token', 'limited', '--duration', '1s']);
  assert.equal(
    short.stderr,
    'error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes\n',
  );
});
