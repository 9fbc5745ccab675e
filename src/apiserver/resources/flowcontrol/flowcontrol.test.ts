/** API priority and fairness over real connections, with users that certificates would name (here: a header). */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { flowschemas } from '../../../api/flowcontrol/v1/flowschema.ts';
import { prioritylevelconfigurations } from '../../../api/flowcontrol/v1/prioritylevelconfiguration.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../../api/flowcontrol/v1/types.gen.ts';
import { admin, startTestServer } from '../../testing/server.ts';
import { selfSigned } from '../../testing/tls.ts';
import { autoUpdateSpec } from './defaults.ts';
import { keepFlowControl } from './keep.ts';

const maps = '/api/v1/namespaces/default/configmaps';

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A server whose writes wait until they are let go, and a way to ask it as any user. */
async function fairServer(options: Parameters<typeof startTestServer>[0] = {}) {
  const running = await startTestServer({
    security: () => ({
      authenticate: async ({ identity, headers }) => ({
        user: identity ?? { username: headers['x-user'] ?? 'nobody', groups: [...(headers['x-group']?.split(',') ?? []), 'system:authenticated'] },
      }),
      authorize: () => ({ decision: 'allow', reason: '' }),
    }),
    ...options,
  });
  const held: (() => void)[] = [];
  /** Users in the order in which their writes were begun. */
  const begun: string[] = [];
  running.server.addAdmission([
    {
      name: 'Hold',
      handles: ({ operation, definition, user }) => operation === 'CREATE' && definition.plural === 'configmaps' && user.username !== 'admin',
      admit({ user }) {
        begun.push(user.username);
        return new Promise<void>((resolve) => held.push(resolve));
      },
    },
  ]);
  const tls = selfSigned();
  const { port } = await running.server.listen({ port: 0, tls });
  const session = connect(`https://127.0.0.1:${port}`, { ca: tls.cert });
  let count = 0;
  const ask = (user: string, method: string, path: string, body?: object, group = 'tenants'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': method, ':path': path, 'x-user': user, 'x-group': group, 'content-type': 'application/json' });
      const answer: Answer = { status: 0, headers: {}, body: '' };
      stream.once('response', (headers) => {
        answer.headers = headers as unknown as Record<string, string>;
        answer.status = Number(headers[':status']);
      });
      stream.on('data', (chunk: Buffer) => {
        answer.body += chunk;
      });
      stream.once('error', reject);
      stream.once('end', () => resolve(answer));
      stream.end(body && JSON.stringify(body));
    });
  return {
    ...running,
    ask,
    begun,
    write: (user: string) => ask(user, 'POST', maps, { metadata: { name: `m-${count++}` } }),
    release: () => held.shift()?.(),
    waiting: () => held.length,
    async [Symbol.asyncDispose]() {
      for (const one of held.splice(0)) one();
      session.destroy();
      await running[Symbol.asyncDispose]();
    },
  };
}

async function until(what: () => boolean | Promise<boolean>, message: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await what()) return;
    await sleep(10);
  }
  assert.fail(message);
}

/** A level of its own for the group `tenants`, told apart by user. */
async function tenants({ client, server }: Awaited<ReturnType<typeof fairServer>>, limited: NonNullable<PriorityLevelConfiguration['spec']['limited']>) {
  await client.resource(prioritylevelconfigurations).create({ metadata: { name: 'tenants' }, spec: { type: 'Limited', limited } });
  const schema = await client.resource(flowschemas).create({
    metadata: { name: 'tenants' },
    spec: {
      matchingPrecedence: 50,
      priorityLevelConfiguration: { name: 'tenants' },
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'Group', group: { name: 'tenants' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
        },
      ],
    },
  });
  await until(() => server.core.flowControl.metrics().includes('requests{flow_schema="tenants",priority_level="tenants"}'), 'the schema is not used');
  return schema;
}

const queue = { type: 'Queue', queuing: { queues: 64, handSize: 1, queueLengthLimit: 20 } };
const retry = 'Too many requests, please try again later.';

test('one tenant floods, and the other is served turn about', async () => {
  let time = 0;
  await using running = await fairServer({ flowControl: { maxReadOnly: 1, maxMutating: 0, now: () => time } });
  await tenants(running, { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: queue });
  const flood = Array.from({ length: 18 }, () => running.write('noisy'));
  await until(() => running.waiting() === 1, 'nobody was begun');
  const few = Array.from({ length: 3 }, () => running.write('quiet'));
  const inQueue = (): boolean =>
    /current_inqueue_requests\{flow_schema="tenants",priority_level="tenants"\} 20\n/.test(running.server.core.flowControl.metrics());
  await until(inQueue, 'not all are in their queues');
  while (running.begun.length < 21 || running.waiting() > 0) {
    const before = running.begun.length;
    time += 3;
    running.release();
    if (before < 21) await until(() => running.begun.length > before, 'nobody is next');
  }
  const answers = await Promise.all([...flood, ...few]);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(running.begun.filter((user) => user === 'noisy').length, 18);
  // The quiet ones came last of 21, and are through among the first.
  assert.deepEqual(running.begun.slice(0, 7).filter((user) => user === 'quiet').length, 3, running.begun.join(' '));
});

test('who finds neither seat nor queue is told when to come back', async () => {
  await using running = await fairServer({ flowControl: { maxReadOnly: 1, maxMutating: 0 } });
  const schema = await tenants(running, { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } });
  const first = running.write('a');
  await until(() => running.waiting() === 1, 'nobody was begun');
  const refused = await running.write('b');
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1']);
  const { reason, message, details } = JSON.parse(refused.body);
  assert.deepEqual([reason, message, details], ['TooManyRequests', retry, { retryAfterSeconds: 1 }]);
  assert.equal(refused.headers['x-kubernetes-pf-flowschema-uid'], schema.metadata.uid);
  running.release();
  const answer = await first;
  const level = await running.client.resource(prioritylevelconfigurations).get('', 'tenants');
  assert.deepEqual([answer.status, answer.headers['x-kubernetes-pf-prioritylevel-uid']], [201, level.metadata.uid]);
  assert.match(
    running.server.core.flowControl.metrics(),
    /rejected_requests_total\{flow_schema="tenants",priority_level="tenants",reason="concurrency-limit"\} 1\n/,
  );
  const { status } = await running.ask('root', 'GET', maps, undefined, 'system:masters');
  assert.equal(status, 200);
});

test('a watch holds a seat while it begins, and none afterwards', async () => {
  await using running = await fairServer({ flowControl: { maxReadOnly: 1, maxMutating: 0 } });
  await tenants(running, { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } });
  const watch = running.ask('a', 'GET', `${maps}?watch=1&timeoutSeconds=1`);
  const executing = (): string =>
    /current_executing_requests\{flow_schema="tenants",priority_level="tenants"\} (\d+)/.exec(running.server.core.flowControl.metrics())?.[1] ?? '';
  await until(() => /request_execution_seconds_count\{.*"tenants",type="watch"\} 1/.test(running.server.core.flowControl.metrics()), 'the watch has not begun');
  assert.equal(executing(), '0');
  assert.equal((await running.ask('b', 'GET', maps)).status, 200);
  assert.equal((await watch).status, 200);
});

test('a client that goes away leaves its queue', async () => {
  await using running = await fairServer({ flowControl: { maxReadOnly: 1, maxMutating: 0 } });
  await tenants(running, { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: queue });
  const first = running.write('a');
  await until(() => running.waiting() === 1, 'nobody was begun');
  const abort = new AbortController();
  const gone = running.server.handle({ method: 'GET', path: maps, headers: {}, signal: abort.signal }, { username: 'a', groups: ['tenants'] });
  const waiting = (): boolean =>
    /current_inqueue_requests\{flow_schema="tenants",priority_level="tenants"\} 1\n/.test(running.server.core.flowControl.metrics());
  await until(waiting, 'the request does not wait');
  abort.abort();
  assert.equal((await gone).status, 429);
  assert.equal(waiting(), false);
  running.release();
  assert.equal((await first).status, 201);
});

test('objects that every cluster has are kept; those that an administrator took over stay his', async () => {
  await using running = await fairServer();
  const levels = running.client.resource(prioritylevelconfigurations);
  const schemas = running.client.resource(flowschemas);
  assert.deepEqual(
    (await levels.list('')).items.map(({ metadata }) => metadata.name),
    ['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low'],
  );
  assert.equal((await schemas.list('')).items.length, 11);
  const change = async (name: string, nominalConcurrencyShares: number, autoUpdate?: string): Promise<void> => {
    const annotations = autoUpdate === undefined ? {} : { metadata: { annotations: { [autoUpdateSpec]: autoUpdate } } };
    await levels.patch('', name, 'merge', { ...annotations, spec: { limited: { nominalConcurrencyShares } } });
  };
  await assert.rejects(change('catch-all', 7, 'false'), /must equal the fixed value/);
  await change('system', 7);
  await change('workload-low', 7, 'false');
  await levels.patch('', 'exempt', 'merge', { spec: { exempt: { nominalConcurrencyShares: 7 } } });
  await schemas.delete('', 'probes');
  await schemas.create({ metadata: { name: 'old', annotations: { [autoUpdateSpec]: 'true' } }, spec: { priorityLevelConfiguration: { name: 'system' } } });
  await keepFlowControl(running.client);
  const shares = async (name: string): Promise<number | undefined> => {
    const { limited, exempt } = (await levels.get('', name)).spec;
    return (limited ?? exempt)?.nominalConcurrencyShares;
  };
  assert.deepEqual(await Promise.all(['catch-all', 'system', 'workload-low', 'exempt'].map(shares)), [5, 30, 7, 7]);
  const names = (await schemas.list('')).items.map(({ metadata }) => metadata.name);
  assert.deepEqual([names.includes('probes'), names.includes('old')], [true, false]);
});

test('a schema without its level says so, and is not used', async () => {
  await using running = await fairServer();
  const schemas = running.client.resource(flowschemas);
  const spec: FlowSchema['spec'] = {
    matchingPrecedence: 50,
    priorityLevelConfiguration: { name: 'later' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: 'a' } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
      },
    ],
  };
  const { metadata } = await schemas.create({ metadata: { name: 'early' }, spec });
  const dangling = async () => (await schemas.get('', 'early')).status?.conditions?.find(({ type }) => type === 'Dangling');
  await until(async () => (await dangling())?.status === 'True', 'the schema does not say that its level is missing');
  const { reason, message } = (await dangling()) ?? {};
  assert.deepEqual(
    [reason, message],
    ['NotFound', 'This FlowSchema references the PriorityLevelConfiguration object named "later" but there is no such object'],
  );
  const uid = async (): Promise<string | undefined> => (await running.ask('a', 'GET', maps)).headers['x-kubernetes-pf-flowschema-uid'];
  assert.notEqual(await uid(), metadata.uid);
  await running.client
    .resource(prioritylevelconfigurations)
    .create({ metadata: { name: 'later' }, spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } });
  await until(async () => (await dangling())?.status === 'False', 'the schema does not say that its level is there');
  assert.equal(await uid(), metadata.uid);
  await running.client.resource(prioritylevelconfigurations).delete('', 'later');
  await until(async () => (await uid()) !== metadata.uid, 'the schema is still used');
});

test('the state of levels, queues and requests can be looked at', async () => {
  await using running = await fairServer();
  const dump = async (what: string): Promise<string> => (await running.request('GET', `/debug/api_priority_and_fairness/dump_${what}`)).body;
  await until(async () => (await dump('priority_levels')).includes('workload-low'), 'the configuration is not used');
  const [head = '', ...rows] = (await dump('priority_levels')).trim().split('\n');
  assert.match(head, /^PriorityLevelName, +ActiveQueues, +IsIdle, +IsQuiescing, +WaitingRequests, +ExecutingRequests, +DispatchedRequests, /);
  assert.deepEqual(
    rows.map((row) => row.split(',')[0]),
    ['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low'],
  );
  assert.match(await dump('queues'), /\nglobal-default, +127, +0, /);
  assert.match(await dump('requests?includeRequestDetails=1'), new RegExp(`\nexempt, +exempt, .*, ${admin.username}, +get, `.replace(', admin', ', +admin')));
  assert.equal((await running.request('GET', '/debug/api_priority_and_fairness/dump_nothing')).status, 404);
});
