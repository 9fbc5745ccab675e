import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { internalError, unauthorized } from '../../apimachinery/errors.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { startTestWebhook } from '../testing/webhook.ts';
import { type AuditConfiguration, type AuditLogOptions, batchOfFile, batchOfWebhook, createAudit } from './backends.ts';
import { createBatcher } from './batch.ts';
import { openLogFile } from './logfile.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-audit-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const fresh = (name: string): string => join(directory, `${++files}-${name}`);

function policy(rules: object[], more: object = {}): string {
  const file = fresh('policy.yaml');
  writeFileSync(file, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...more, rules }));
  return file;
}
const everything = policy([{ level: 'RequestResponse' }]);
const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });

const logOptions = (path: string, more: Partial<AuditLogOptions> = {}): AuditLogOptions => ({
  path,
  maxSize: 100,
  maxAge: 0,
  maxBackups: 0,
  compress: false,
  mode: 'blocking',
  format: 'json',
  batch: batchOfFile,
  ...more,
});

/** The token `bad` is nobody's; a service account may be impersonated, and may do nothing. */
async function withServer(configuration: AuditConfiguration, use: (server: TestServer) => Promise<void>): Promise<void> {
  const audit = await createAudit(configuration);
  assert.ok(audit);
  await using running = await startTestServer({
    audit,
    security: () => ({
      async authenticate({ identity, headers }) {
        if (headers['authorization'] === 'Bearer bad') throw unauthorized();
        return { user: identity ?? { username: 'test', groups: [] } };
      },
      authorize: ({ user }) => (user.username === 'restricted' ? { decision: 'no-opinion', reason: 'no rule' } : { decision: 'allow', reason: 'a rule' }),
    }),
  });
  try {
    await use(running);
  } finally {
    await audit.close();
  }
}

const events = (file: string): any[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const about = (all: any[], path: string, stage?: string): any[] =>
  all.filter(({ requestURI, stage: one }) => requestURI.startsWith(path) && (!stage || one === stage));

test('a file has a line for each stage, in upstream’s form', async () => {
  const path = fresh('audit.log');
  await withServer({ policyFile: everything, logFile: logOptions(path) }, async ({ request }) => {
    await request('POST', maps, map('one'), { 'audit-id': 'chosen', 'user-agent': 'me', 'x-forwarded-for': '10.1.1.1, nonsense' });
    const lines = readFileSync(path, 'utf8').split('\n');
    const [received, complete] = lines.filter((line) => line.includes('"chosen"'));
    const withoutTimes = (line = '') => line.replaceAll(/"\d{4}-[^"]*Z"/g, '"T"').replaceAll(/"(uid|resourceVersion)":"[^"]*"/g, '"$1":"X"');
    const head =
      '"requestURI":"/api/v1/namespaces/default/configmaps","verb":"create","user":{"username":"admin","groups":["system:masters"]},"sourceIPs":["10.1.1.1","127.0.0.1"],"userAgent":"me"';
    assert.equal(
      withoutTimes(received),
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"chosen","stage":"RequestReceived",${head},"objectRef":{"resource":"configmaps","namespace":"default","apiVersion":"v1"},"requestReceivedTimestamp":"T","stageTimestamp":"T"}`,
    );
    const { responseObject, ...event } = JSON.parse(complete ?? '');
    assert.deepEqual(Object.keys(event), [
      ...['kind', 'apiVersion', 'level', 'auditID', 'stage', 'requestURI', 'verb', 'user', 'sourceIPs', 'userAgent', 'objectRef', 'responseStatus'],
      ...['requestObject', 'requestReceivedTimestamp', 'stageTimestamp', 'annotations'],
    ]);
    assert.deepEqual(event.objectRef, { resource: 'configmaps', namespace: 'default', apiVersion: 'v1', name: 'one' });
    assert.deepEqual([event.stage, event.responseStatus], ['ResponseComplete', { metadata: {}, code: 201 }]);
    assert.deepEqual(event.annotations, { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'a rule' });
    assert.deepEqual([event.requestObject.data, responseObject.data, responseObject.metadata.managedFields.length], [{ a: 'b' }, { a: 'b' }, 1]);
    assert.match(event.stageTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });
});

test('failures, refusals and strangers are recorded with what they were told', async () => {
  const path = fresh('audit.log');
  await withServer({ policyFile: policy([{ level: 'Metadata' }]), logFile: logOptions(path) }, async ({ request, server }) => {
    await request('GET', `${maps}/none`, undefined, { accept: 'application/vnd.kubernetes.protobuf' });
    await request('DELETE', `${maps}/none`);
    await request('POST', maps, map('mine'));
    await request('DELETE', `${maps}/mine`);
    await request('GET', '/api/v1/pods', undefined, { 'impersonate-user': 'restricted' });
    await request('GET', '/api/v1/nodes', undefined, { authorization: 'Bearer bad' });
    server.addPaths([({ info }) => (info.path === '/broken' ? Promise.reject(new TypeError('a bug')) : undefined)]);
    await request('GET', '/broken');
    const all = events(path);
    const [missing] = about(all, `${maps}/none`, 'ResponseComplete');
    assert.deepEqual(missing.responseStatus, {
      metadata: {},
      status: 'Failure',
      message: 'configmaps "none" not found',
      reason: 'NotFound',
      details: { name: 'none', kind: 'configmaps' },
      code: 404,
    });
    const [deleted] = about(all, `${maps}/mine`, 'ResponseComplete');
    assert.deepEqual([deleted.responseStatus.status, deleted.responseStatus.details.name], ['Success', 'mine']);
    const [refused] = about(all, '/api/v1/pods', 'ResponseComplete');
    assert.deepEqual(refused.impersonatedUser, { username: 'restricted', groups: ['system:authenticated'] });
    assert.deepEqual(refused.authenticationMetadata, { impersonationConstraint: 'impersonate:user-info' });
    assert.deepEqual([refused.user.username, refused.responseStatus.reason], ['admin', 'Forbidden']);
    assert.deepEqual(refused.annotations, { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': 'no rule' });
    const [stranger, ...more] = about(all, '/api/v1/nodes');
    assert.deepEqual([stranger.stage, stranger.user, stranger.responseStatus.message], ['ResponseStarted', {}, 'Unauthorized']);
    assert.deepEqual([more.length, stranger.responseStatus.code], [0, 401]);
    const [, panic, ...rest] = about(all, '/broken');
    assert.deepEqual([panic.stage, rest.length], ['Panic', 0]);
    assert.deepEqual(panic.responseStatus, { metadata: {}, status: 'Failure', message: "APIServer panic'd: a bug", reason: 'InternalError', code: 500 });
  });
});

test('what was sent is shown whatever its encoding, completed by defaults and without managed fields', async () => {
  const path = fresh('audit.log');
  await withServer({ policyFile: policy([{ level: 'RequestResponse', omitManagedFields: true }]), logFile: logOptions(path) }, async ({ request }) => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }], selector: { a: 'b' } } };
    await request('POST', '/api/v1/namespaces/default/services', service);
    await request('GET', '/api/v1/namespaces/default/services/web', undefined, { accept: 'application/vnd.kubernetes.protobuf' });
    await request('GET', '/api/v1/namespaces/default/services', undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    await request('PATCH', '/api/v1/namespaces/default/services/web', [{ op: 'add', path: '/metadata/labels', value: { x: 'y' } }], {
      'content-type': 'application/json-patch+json',
    });
    const [create, get, list, patch] = about(events(path), '/api/v1/namespaces/default/services', 'ResponseComplete');
    assert.deepEqual([create.requestObject.spec.ports[0].protocol, create.requestObject.spec.type], ['TCP', 'ClusterIP']);
    assert.equal(create.requestObject.spec.clusterIP, undefined);
    assert.deepEqual([get.responseObject.kind, get.responseObject.spec.ports[0].port, get.responseObject.metadata.managedFields], ['Service', 80, undefined]);
    assert.deepEqual([list.responseObject.kind, list.responseObject.rows[0].object.metadata.managedFields], ['Table', undefined]);
    assert.deepEqual(patch.requestObject[0].op, 'add');
  });
});

test('a webhook gets events in batches, and those that wait when the server ends', async () => {
  const kubeconfig = fresh('kubeconfig');
  let failures = 1;
  await using hook = await startTestWebhook(kubeconfig, () => (failures-- > 0 ? 403 : {}));
  const webhook = { kubeconfig, mode: 'batch' as const, initialBackoffMs: 1, batch: { ...batchOfWebhook, maxSize: 3, throttle: { qps: 1000, burst: 15 } } };
  await withServer({ policyFile: policy([{ level: 'Metadata', resources: [{ group: '', resources: ['configmaps'] }] }]), webhook }, async ({ request }) => {
    for (const name of ['a', 'b']) await request('GET', `${maps}/${name}`);
    // The first time it fails.
    while (hook.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([hook.requests[0].kind, hook.requests[0].apiVersion, hook.requests[0].items.length], ['EventList', 'audit.k8s.io/v1', 3]);
  });
  assert.deepEqual(
    hook.requests.slice(1).flatMap(({ items }) => items.map(({ stage, objectRef }: any) => `${objectRef.name} ${stage}`)),
    ['a RequestReceived', 'a ResponseComplete', 'b RequestReceived', 'b ResponseComplete'],
  );
});

test('a strict server does not serve what it can not record', async () => {
  const kubeconfig = fresh('kubeconfig');
  await using hook = await startTestWebhook(kubeconfig, () => 404);
  const webhook = (mode: 'blocking' | 'blocking-strict') => ({ kubeconfig, mode, initialBackoffMs: 1, batch: batchOfWebhook });
  const policyFile = policy([{ level: 'Metadata', resources: [{ group: '', resources: ['configmaps'] }] }]);
  await withServer({ policyFile, webhook: webhook('blocking') }, async ({ request }) => assert.equal((await request('GET', maps)).status, 200));
  await withServer({ policyFile, webhook: webhook('blocking-strict') }, async ({ request }) => {
    const { status, body } = await request('GET', maps);
    assert.deepEqual([status, body.message], [500, internalError(new Error('failed to store audit event')).message]);
    assert.ok(hook.requests.length > 0);
  });
});

test('a log that grows too large is put aside; of those, so many are kept, packed', async () => {
  const path = join(fresh('logs'), 'audit.log');
  const log = openLogFile({ path, maxSize: 1, maxAge: 0, maxBackups: 2, compress: true });
  const line = `${'x'.repeat(700_000)}\n`;
  for (let index = 0; index < 5; index++) log.append(`${index}${line}`);
  await log.close();
  const names = readdirSync(join(path, '..')).sort();
  assert.deepEqual(
    names.map((name) => name.replace(/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}/, 'TIME')),
    ['audit-TIME.log.gz', 'audit-TIME.log.gz', 'audit.log'],
  );
  const packed = gunzipSync(readFileSync(join(path, '..', names[0] ?? ''))).toString();
  assert.deepEqual([packed[0], packed.length, readFileSync(path, 'utf8')[0]], ['2', line.length + 1, '4']);
});

test('events that are too large lose their objects; the older form is a line of text', async () => {
  const [path, plain] = [fresh('audit.log'), fresh('legacy.log')];
  await withServer({ policyFile: everything, logFile: logOptions(path, { truncate: { maxEventSize: 1500 } }) }, async ({ request }) => {
    await request('POST', maps, { ...map('big'), data: { a: 'x'.repeat(2000) } });
    const [event] = about(events(path), maps, 'ResponseComplete');
    assert.deepEqual([event.requestObject, event.responseObject, event.annotations['audit.k8s.io/truncated']], [undefined, undefined, 'true']);
  });
  await withServer({ policyFile: everything, logFile: logOptions(plain, { format: 'legacy' }) }, async ({ request }) => {
    await request('GET', `${maps}/none`, undefined, { 'audit-id': 'chosen' });
    const lines = readFileSync(plain, 'utf8').split('\n');
    assert.ok(
      lines.some((line) =>
        / AUDIT: id="chosen" stage="ResponseComplete" .* method="get" user="admin" groups="system:masters" as="<self>" asgroups="<lookup>" .* namespace="default" uri=".*none" response="404"$/.test(
          line,
        ),
      ),
    );
  });
});

test('a batcher loses events rather than memory', async () => {
  const sent: unknown[] = [];
  const batcher = createBatcher({ bufferSize: 2, maxSize: 5, maxWaitMs: 60_000 }, async (all) => void sent.push(...all));
  for (let id = 0; id < 4; id++) batcher.add({ id });
  await batcher.close();
  assert.deepEqual(sent, [{ id: 0 }, { id: 1 }]);
});

const wrong: [string, object[], object, RegExp][] = [
  ['no rules', [], {}, /rules: Required value: loaded illegal policy with 0 rules/],
  ['no level', [{}], {}, /rules\[0\]\.level: Required value/],
  [
    'an unknown level',
    [{ level: 'All' }],
    {},
    /rules\[0\]\.level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"/,
  ],
  ['an unknown stage', [{ level: 'None' }], { omitStages: ['Begin'] }, /omitStages\[0\]: Invalid value: "Begin": allowed stages are RequestReceived,/],
  ['a group with its version', [{ level: 'None', resources: [{ group: 'apps/v1' }] }], {}, /rules\[0\]\.resources\.group: Invalid value: "apps\/v1"/],
  [
    'a rule for both',
    [{ level: 'None', nonResourceURLs: ['/x'], namespaces: ['y'] }],
    {},
    /rules cannot apply to both regular resources and non-resource URLs/,
  ],
  ['a star in the middle', [{ level: 'None', nonResourceURLs: ['/a*b'] }], {}, /wildcards '\*' must be the final character of the rule/],
  ['an unknown field', [{ level: 'None', verb: 'get' }], {}, /strict decoding error: unknown field "rules\[0\]\.verb"/],
];
for (const [name, rules, more, message] of wrong) {
  test(`a policy with ${name} is refused`, async () => {
    const policyFile = policy(rules, more);
    await assert.rejects(
      createAudit({ policyFile, logFile: logOptions('-') }),
      (error: Error) => error.message.startsWith(`--audit-policy-file: ${policyFile}: `) && message.test(error.message),
    );
  });
}
