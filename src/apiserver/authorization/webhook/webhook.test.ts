import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startTestServer } from '../../testing/server.ts';
import { startTestWebhook, type TestWebhook } from '../../testing/webhook.ts';
import { configurationOfFlags } from '../configuration.ts';
import { type Authorization, createAuthorizer } from '../index.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-authorization-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const maps = '/api/v1/namespaces/default/configmaps';
let files = 0;
const fresh = (name: string): string => join(directory, `${++files}-${name}`);

interface WebhookSettings {
  conditions?: string[];
  failurePolicy?: string;
  more?: object;
}

const webhookAuthorizer = (kubeConfigFile: string, { conditions = [], failurePolicy = 'Deny', more = {} }: WebhookSettings = {}) => ({
  type: 'Webhook',
  name: `webhook-${++files}`,
  webhook: {
    timeout: '3s',
    subjectAccessReviewVersion: 'v1',
    failurePolicy,
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
    ...(conditions.length > 0 ? { matchConditionSubjectAccessReviewVersion: 'v1', matchConditions: conditions.map((expression) => ({ expression })) } : {}),
    ...more,
  },
});

function configuration(authorizers: object[], file = fresh('config.yaml')): string {
  writeFileSync(file, JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers }));
  return file;
}

const rbac = { type: 'RBAC', name: 'rbac' };

/** Requests come in as the user that the header `user` names. */
async function withServer(
  options: Partial<Parameters<typeof createAuthorizer>[0]>,
  use: (ask: (user: string, path?: string, method?: 'GET' | 'POST', body?: unknown) => Promise<{ status: number; body: any }>) => Promise<void>,
): Promise<void> {
  let authorization: Authorization | undefined;
  await using running = await startTestServer({
    async security({ reader }) {
      authorization = await createAuthorizer({ reader, ...options });
      await authorization.ready;
      const { authorize, handlers } = authorization;
      return {
        authenticate: async ({ identity, headers }) => ({
          user: identity ?? { username: headers['user'] ?? '', groups: ['tests'], uid: '7', extra: { k: ['v'] } },
        }),
        authorize,
        handlers,
      };
    },
  });
  const { host, port } = await running.server.listen({ port: 0, tls: (await import('../../testing/tls.ts')).selfSigned() });
  const { createHttpsTransport } = await import('../../../client/https.ts');
  const { readBody } = await import('../../../client/transport.ts');
  const transport = createHttpsTransport({ server: `https://${host}:${port}`, insecureSkipTlsVerify: true });
  try {
    await use(async (user, path = maps, method = 'GET', body) => {
      const bytes = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
      const response = await transport.request({ method, path, headers: { user, 'content-type': 'application/json' }, ...bytes });
      return { status: response.status, body: JSON.parse((await readBody(response)).toString()) };
    });
  } finally {
    await transport.close();
    authorization?.close();
  }
}

const review = (status: object) => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', status });

async function webhook(answer: TestWebhook['answer']): Promise<{ hook: TestWebhook; kubeconfig: string }> {
  const kubeconfig = fresh('kubeconfig');
  return { hook: await startTestWebhook(kubeconfig, answer), kubeconfig };
}

test('a webhook is asked with the whole question, and its answer is remembered', async () => {
  const { hook, kubeconfig } = await webhook(({ spec }) => review({ allowed: spec.user === 'alice', reason: 'because' }));
  await using _ = hook;
  await withServer({ file: configuration([webhookAuthorizer(kubeconfig), rbac]) }, async (ask) => {
    const selected = `${maps}?labelSelector=a%20in%20(b,c),!d&fieldSelector=metadata.name!%3Dx`;
    assert.equal((await ask('alice', selected)).status, 200);
    assert.equal((await ask('alice', selected)).status, 200);
    assert.deepEqual(hook.requests, [
      {
        kind: 'SubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec: {
          resourceAttributes: {
            namespace: 'default',
            verb: 'list',
            version: 'v1',
            resource: 'configmaps',
            fieldSelector: { requirements: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] },
            labelSelector: {
              requirements: [
                { key: 'a', operator: 'In', values: ['b', 'c'] },
                { key: 'd', operator: 'DoesNotExist' },
              ],
            },
          },
          user: 'alice',
          groups: ['tests'],
          extra: { k: ['v'] },
          uid: '7',
        },
        status: { allowed: false },
      },
    ]);
    assert.deepEqual(hook.last, { path: '/review?timeout=3s', authorization: 'Bearer shared' });
    const refused = await ask('bob');
    assert.equal(refused.status, 403);
    assert.match(refused.body.message, /User "bob" cannot list resource "configmaps" in API group "" in the namespace "default": because$/);
    assert.equal((await ask('alice', '/version')).status, 200);
    assert.deepEqual((hook.requests.at(-1) as { spec: { nonResourceAttributes?: object } }).spec.nonResourceAttributes, { path: '/version', verb: 'get' });
  });
});

test('a denial ends the chain; no opinion leaves it to the next', async () => {
  const { hook, kubeconfig } = await webhook(({ spec }) => review({ allowed: false, denied: spec.user === 'mallory', reason: 'never' }));
  await using _ = hook;
  await withServer({ file: configuration([webhookAuthorizer(kubeconfig), { type: 'AlwaysAllow', name: 'all' }]) }, async (ask) => {
    assert.equal((await ask('alice')).status, 200);
    assert.equal((await ask('mallory')).status, 403);
    const { body } = await ask('alice', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', 'POST', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: 'default' },
    });
    assert.deepEqual([body.status.incomplete, body.status.evaluationError], [true, 'webhook authorizer does not support user rule resolution']);
    assert.deepEqual(body.status.resourceRules, [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]);
    const access = await ask('mallory', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'POST', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'list', resource: 'pods' } },
    });
    assert.equal(access.status, 403);
  });
});

test('match conditions keep questions from a webhook', async () => {
  const { hook, kubeconfig } = await webhook(() => review({ allowed: false, denied: true }));
  await using _ = hook;
  const conditions = [
    "has(request.resourceAttributes) && request.resourceAttributes.namespace == 'default'",
    "!('system:trusted' in request.groups)",
    "request.user != 'trusted' && request.extra['k'].exists(v, v == 'v')",
  ];
  await withServer({ file: configuration([webhookAuthorizer(kubeconfig, { conditions }), { type: 'AlwaysAllow', name: 'all' }]) }, async (ask) => {
    assert.equal((await ask('trusted')).status, 200);
    assert.equal((await ask('other', '/version')).status, 200);
    assert.equal((await ask('other', '/api/v1/namespaces/kube-system/configmaps')).status, 200);
    assert.equal(hook.requests.length, 0);
    assert.equal((await ask('other')).status, 403);
    assert.equal(hook.requests.length, 1);
  });
});

test('the failure policy says what a webhook that can not be asked means', async () => {
  const { hook, kubeconfig } = await webhook(() => 404);
  await using _ = hook;
  const all = { type: 'AlwaysAllow', name: 'all' };
  await withServer({ file: configuration([webhookAuthorizer(kubeconfig, { failurePolicy: 'NoOpinion' }), all]) }, async (ask) => {
    assert.equal((await ask('alice')).status, 200);
  });
  await withServer({ file: configuration([webhookAuthorizer(kubeconfig, { failurePolicy: 'Deny' }), all]) }, async (ask) => {
    const { status, body } = await ask('alice');
    assert.deepEqual([status, body.reason], [500, 'InternalError']);
    assert.match(body.message, /the server could not find the requested resource/);
  });
  const failing = webhookAuthorizer(kubeconfig, { failurePolicy: 'Deny', conditions: ["request.resourceAttributes.verb == 'list'"] });
  await withServer({ file: configuration([failing, all]) }, async (ask) => {
    assert.equal((await ask('alice', '/version')).status, 500);
  });
});

test('a failure that passes is tried again', async () => {
  let failures = 1;
  const { hook, kubeconfig } = await webhook(() => (failures-- > 0 ? 500 : review({ allowed: true })));
  await using _ = hook;
  const { createWebhook } = await import('../../configuration/webhook.ts');
  const client = await createWebhook({ flag: 'x', kubeconfig, backoffMs: 1 });
  assert.deepEqual(await client.post({}), review({ allowed: true }));
  assert.equal(hook.requests.length, 2);
  client.close();
});

test('flags name a webhook too, in its older version', async () => {
  const { hook, kubeconfig } = await webhook(() => ({ apiVersion: 'authorization.k8s.io/v1beta1', kind: 'SubjectAccessReview', status: { allowed: true } }));
  await using _ = hook;
  await withServer({ configuration: configurationOfFlags({ modes: ['RBAC', 'Webhook'], webhookConfigFile: kubeconfig }) }, async (ask) => {
    assert.equal((await ask('alice')).status, 200);
    const [{ apiVersion, spec }] = hook.requests as [{ apiVersion: string; spec: { group: string[]; groups?: unknown } }];
    assert.deepEqual([apiVersion, spec.group, spec.groups], ['authorization.k8s.io/v1beta1', ['tests'], undefined]);
  });
});

test('a changed file is in force at once; one with a mistake is not', async () => {
  const file = configuration([{ type: 'AlwaysAllow', name: 'all' }]);
  await withServer({ file }, async (ask) => {
    assert.equal((await ask('alice')).status, 200);
    writeFileSync(file, 'kind: Nonsense');
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal((await ask('alice')).status, 200);
    configuration([{ type: 'AlwaysDeny', name: 'none' }], file);
    while ((await ask('alice')).status !== 403) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match((await ask('alice')).body.message, /Everything is forbidden\.$/);
  });
});

const kubeconfigFile = join(directory, 'some-kubeconfig');
writeFileSync(kubeconfigFile, '{}');
const wrong: [string, object[], RegExp][] = [
  ['nothing in it', [], /authorizers: Required value: at least one authorization mode must be defined/],
  [
    'an unknown type',
    [{ type: 'Some', name: 'some' }],
    /authorizers\[0\]\.type: Unsupported value: "Some": supported values: "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"/,
  ],
  ['a name twice', [rbac, { type: 'Node', name: 'rbac' }], /authorizers\[1\]\.name: Duplicate value: "rbac"/],
  ['a webhook of RBAC', [{ ...rbac, webhook: {} }], /authorizers\[0\]\.webhook: Invalid value: "non-null": may only be specified when type=Webhook/],
  [
    'a long timeout',
    [webhookAuthorizer(kubeconfigFile, { more: { timeout: '1m' } })],
    /authorizers\[0\]\.timeout: Invalid value: "1m": must be > 0s and <= 30s/,
  ],
  ['an unknown failure policy', [webhookAuthorizer(kubeconfigFile, { failurePolicy: 'Allow' })], /authorizers\[0\]\.failurePolicy: Unsupported value: "Allow"/],
  ['a relative path', [webhookAuthorizer('kubeconfig')], /connectionInfo\.kubeConfigFile: Invalid value: "kubeconfig": must be an absolute path/],
  [
    'an expression about nothing',
    [webhookAuthorizer(kubeconfigFile, { conditions: ['request.something == 1'] })],
    /matchConditions\[0\]\.expression: Invalid value: "request\.something == 1": compilation failed/,
  ],
  ['an expression that is no condition', [webhookAuthorizer(kubeconfigFile, { conditions: ['request.user'] })], /must evaluate to bool but got string/],
  ['a field of another type', [{ type: 5 }], /json: cannot unmarshal number into Go struct field/],
  ['a field that does not exist', [{ ...rbac, more: 1 }], /unknown field "authorizers\[0\]\.more"/],
];
for (const [name, authorizers, message] of wrong) {
  test(`a configuration with ${name} is refused`, async () => {
    const file = configuration(authorizers);
    await assert.rejects(
      createAuthorizer({ reader: (await import('../memoryreader.ts')).createMemoryReader(), file }),
      (error: Error) => error.message.startsWith(`--authorization-config: ${file}: `) && message.test(error.message),
    );
  });
}
