import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { mutatingwebhookconfigurations } from '../../../api/admissionregistration/v1/mutatingwebhookconfiguration.ts';
import type { MutatingWebhook, ValidatingWebhook, WebhookClientConfig } from '../../../api/admissionregistration/v1/types.gen.ts';
import { validatingwebhookconfigurations } from '../../../api/admissionregistration/v1/validatingwebhookconfiguration.ts';
import { configmaps } from '../../../api/core/v1/configmap.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { ConfigMap } from '../../../api/core/v1/types.gen.ts';
import { selfSigned } from '../../testing/tls.ts';
import { type AdmissionServer, simplePod, startAdmissionServer } from '../testing.ts';

interface Review {
  request: { uid: string; operation: string; object: ConfigMap; oldObject: ConfigMap; name?: string; kind: { kind: string }; dryRun: boolean };
}
type Answer = Record<string, unknown>;

let server: AdmissionServer;
let hookServer: Server;
let hook: WebhookClientConfig;
/** Path → answer. */
let answers: Record<string, (review: Review) => Answer | Promise<Answer>>;
const seen: { path: string; review: Review }[] = [];
const tls = selfSigned();

before(async () => {
  hookServer = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const review: Review = JSON.parse(Buffer.concat(chunks).toString());
      const path = request.url?.split('?')[0] ?? '';
      seen.push({ path, review });
      const answer = await answers[path]?.(review);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: review.request.uid, ...answer } }));
    });
  });
  await new Promise<void>((resolve) => hookServer.listen(0, '127.0.0.1', resolve));
  hook = { url: `https://127.0.0.1:${(hookServer.address() as AddressInfo).port}`, caBundle: Buffer.from(tls.cert).toString('base64') };
  server = await startAdmissionServer();
  await server.makeNamespace('ns');
});
after(async () => {
  hookServer.close();
  hookServer.closeAllConnections();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  seen.length = 0;
  answers = {};
  for (const kind of [mutatingwebhookconfigurations, validatingwebhookconfigurations]) await server.client.resource(kind).deleteCollection('');
});

const rules = [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }];
const common = (name: string, path: string) => ({
  name,
  clientConfig: { ...hook, url: `${hook.url}${path}` },
  rules,
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
});
const mutate = (name: string, webhooks: MutatingWebhook[]) => server.client.resource(mutatingwebhookconfigurations).create({ metadata: { name }, webhooks });
const validate = (name: string, webhooks: ValidatingWebhook[]) =>
  server.client.resource(validatingwebhookconfigurations).create({ metadata: { name }, webhooks });
const patch = (...operations: object[]) => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') });
const create = (name: string, data: Record<string, string> = {}) => server.client.resource(configmaps).create({ metadata: { name, namespace: 'ns' }, data });

test('webhooks change an object in the order of their configurations', async () => {
  answers['/first'] = () => patch({ op: 'add', path: '/data/first', value: 'yes' });
  answers['/second'] = ({ request }) => (request.object.data?.['first'] ? patch({ op: 'add', path: '/data/second', value: 'yes' }) : { allowed: true });
  await mutate('b', [common('second.example.com', '/second')]);
  await mutate('a', [common('first.example.com', '/first')]);
  const created = await create('ordered', { start: 'yes' });
  assert.deepEqual(created.data, { start: 'yes', first: 'yes', second: 'yes' });
  assert.deepEqual(
    seen.map(({ path }) => path),
    ['/first', '/second'],
  );
  assert.equal(seen[0]?.review.request.operation, 'CREATE');
});

test('a webhook that asks for it sees what came after it', async () => {
  answers['/again'] = ({ request }) =>
    patch({
      op: 'add',
      path: '/data/seen',
      value: Object.keys(request.object.data ?? {})
        .sort()
        .join(),
    });
  answers['/late'] = () => patch({ op: 'add', path: '/data/late', value: 'x' });
  await mutate('a', [{ ...common('again.example.com', '/again'), reinvocationPolicy: 'IfNeeded' }, common('late.example.com', '/late')]);
  assert.equal((await create('again', { start: 'x' })).data?.['seen'], 'late,seen,start');
});

test('what a webhook adds to a pod goes through the built-in plugins', async () => {
  answers['/sidecar'] = () => patch({ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'i' } });
  await mutate('a', [{ ...common('sidecar.example.com', '/sidecar'), rules: [{ ...rules[0], resources: ['pods'] }] }]);
  const pod = await server.client.resource(pods).create(simplePod('ns', 'p'));
  assert.deepEqual(
    pod.spec.containers.map(({ name, volumeMounts }) => [name, volumeMounts?.length]),
    [
      ['main', 1],
      ['sidecar', 1],
    ],
  );
});

test('a refusal carries what the webhook says, and its warnings', async () => {
  answers['/no'] = () => ({ allowed: false, status: { message: 'the configmap contains unwanted key and value' }, warnings: ['careful'] });
  await validate('v', [common('deny.example.com', '/no')]);
  const warnings: string[] = [];
  const client = server.as('user', ['system:masters'], warnings);
  await assert.rejects(client.resource(configmaps).create({ metadata: { name: 'x', namespace: 'ns' } }), {
    message: 'admission webhook "deny.example.com" denied the request: the configmap contains unwanted key and value',
  });
  assert.deepEqual(warnings, ['careful']);
});

test('a webhook that can’t be reached closes or opens, as its failure policy says', async () => {
  const { caBundle: _caBundle, ...untrusted } = common('closed.example.com', '/x').clientConfig;
  await validate('v', [{ ...common('closed.example.com', '/x'), clientConfig: untrusted }]);
  await assert.rejects(
    create('closed'),
    /Internal error occurred: failed calling webhook "closed.example.com": failed to call webhook: Post "https:.*\?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority/,
  );
  await server.client.resource(validatingwebhookconfigurations).deleteCollection('');
  await validate('v', [{ ...common('open.example.com', '/x'), clientConfig: untrusted, failurePolicy: 'Ignore' }]);
  await create('open');
});

test('a webhook that takes too long is given up', async () => {
  answers['/slow'] = () => new Promise((resolve) => setTimeout(() => resolve({ allowed: true }), 3000).unref());
  await validate('v', [{ ...common('slow.example.com', '/slow'), timeoutSeconds: 1 }]);
  await assert.rejects(create('slow'), /context deadline exceeded/);
});

test('selectors and conditions decide whether a webhook is asked', async () => {
  answers['/no'] = () => ({ allowed: false });
  await validate('v', [
    { ...common('labels.example.com', '/no'), objectSelector: { matchLabels: { watched: 'yes' } } },
    { ...common('namespaces.example.com', '/no'), namespaceSelector: { matchLabels: { watched: 'yes' } } },
    {
      ...common('conditions.example.com', '/no'),
      matchConditions: [{ name: 'not-mine', expression: 'object.metadata.name != "mine" && !has(object.metadata.labels)' }],
    },
  ]);
  await create('mine');
  await assert.rejects(create('theirs'), { message: 'admission webhook "conditions.example.com" denied the request without explanation' });
  await assert.rejects(
    server.client.resource(configmaps).create({ metadata: { name: 'l', namespace: 'ns', labels: { watched: 'yes' } } }),
    /labels.example.com/,
  );
});

test('deletion and dry runs are told; webhooks are not asked about webhooks', async () => {
  answers['/see'] = () => ({ allowed: true });
  await validate('v', [{ ...common('see.example.com', '/see'), rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] }]);
  await create('gone');
  await server.client.resource(configmaps).delete('ns', 'gone');
  const deletion = seen.at(-1)?.review.request;
  assert.equal(deletion?.operation, 'DELETE');
  assert.equal(deletion.object, null);
  assert.equal(deletion.oldObject.metadata.name, 'gone');
  seen.length = 0;
  await server.client.resource(validatingwebhookconfigurations).patch('', 'v', 'merge', { metadata: { labels: { a: 'b' } } });
  assert.equal(seen.length, 0);
});
