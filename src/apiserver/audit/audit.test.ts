import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admin, startTestServer } from '../testing/server.ts';
import type { AuditPolicy } from './policy.ts';

const maps = '/api/v1/namespaces/default/configmaps';

/** What these tests look at in an event. */
interface Recorded {
  stage: string;
  level: string;
  auditID: string;
  verb: string;
  user: { username: string };
  userAgent: string;
  objectRef: { name?: string };
  responseStatus: { code: number };
  requestObject?: { data: unknown };
  responseObject?: { metadata: { managedFields?: unknown } };
}

async function recorded(policy: AuditPolicy) {
  const events: Recorded[] = [];
  const running = await startTestServer({ audit: { policy, write: (event) => void events.push(JSON.parse(JSON.stringify(event))) } });
  return { running, events };
}

test('what the policy wants is recorded, as fully as it wants', async () => {
  const rules: AuditPolicy['rules'] = [
    { level: 'None', resources: [{ group: '', resources: ['secrets'] }] },
    { level: 'RequestResponse', verbs: ['create'], resources: [{ group: '', resources: ['configmaps'] }], omitManagedFields: true },
    { level: 'Metadata', namespaces: ['default'] },
    { level: 'None' },
  ];
  const { running, events } = await recorded({ rules, omitStages: ['RequestReceived'] });
  await using _ = running;
  await running.request(
    'POST',
    maps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { a: '1' } },
    { 'user-agent': 'me', 'audit-id': 'x' },
  );
  await running.request('GET', `${maps}/one`);
  await running.request('GET', '/api/v1/namespaces/default/secrets');
  await running.request('GET', '/version');
  assert.equal(events.length, 2);
  const [create, get] = events as [Recorded, Recorded];
  assert.deepEqual(
    [create.stage, create.level, create.auditID, create.verb, create.user.username, create.userAgent, create.responseStatus.code],
    ['ResponseComplete', 'RequestResponse', 'x', 'create', admin.username, 'me', 201],
  );
  assert.deepEqual(create.objectRef, { resource: 'configmaps', namespace: 'default', name: 'one', apiVersion: 'v1' });
  assert.deepEqual([create.requestObject?.data, create.responseObject?.metadata.managedFields], [{ a: '1' }, undefined]);
  assert.deepEqual([get.level, get.objectRef.name, get.requestObject], ['Metadata', 'one', undefined]);
});

test('a watch is recorded when it starts and when it ends', async () => {
  const { running, events } = await recorded({ rules: [{ level: 'Metadata', verbs: ['watch'] }] });
  await using _ = running;
  const response = await running.server.handle({ method: 'GET', path: `${maps}?watch=1&timeoutSeconds=1`, headers: {} }, admin);
  for await (const _chunk of response.body) assert.fail('nothing happens');
  assert.deepEqual(
    events.map(({ stage }) => stage),
    ['RequestReceived', 'ResponseStarted', 'ResponseComplete'],
  );
});
