/** What a server tells of itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forbidden } from '../../apimachinery/errors.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { admin, startTestServer } from '../testing/server.ts';

const maps = '/api/v1/namespaces/default/configmaps';

test('requests, watches, admission and flow control are counted under upstream’s names', async () => {
  await using running = await startTestServer();
  const { promise: never } = Promise.withResolvers<void>();
  running.server.addAdmission([
    {
      name: 'Judge',
      handles: ({ operation }) => operation === 'CREATE',
      validate({ name }) {
        if (name === 'bad') throw forbidden({ group: '', resource: 'configmaps' }, name, 'it is bad');
        return name === 'slow' ? never : undefined;
      },
    },
  ]);
  await running.request('POST', maps, { metadata: { name: 'good' } });
  assert.equal((await running.request('POST', maps, { metadata: { name: 'bad' } })).status, 403);
  assert.equal((await running.request('POST', `${maps}?timeout=50ms`, { metadata: { name: 'slow' } })).status, 504);
  const abort = new AbortController();
  await running.server.handle({ method: 'GET', path: `${maps}?watch=1`, headers: {}, signal: abort.signal }, admin);
  const text = async (): Promise<string> => (await running.request('GET', '/metrics')).body;
  const before = await text();
  const judge = 'apiserver_admission_controller_admission_duration_seconds_count{name="Judge",operation="CREATE"';
  const watches =
    'apiserver_longrunning_requests{component="apiserver",group="",resource="configmaps",scope="namespace",subresource="",verb="WATCH",version="v1"}';
  for (const line of [
    `${judge},rejected="false",type="validate"} 1`,
    `${judge},rejected="true",type="validate"} 1`,
    `${watches} 1`,
    'apiserver_request_terminations_total{code="504",component="apiserver",group="",resource="configmaps",scope="namespace",subresource="",verb="POST",version="v1"} 1',
    'apiserver_resource_objects{group="",resource="configmaps"} 1',
    'apiserver_storage_objects{resource="configmaps"} 1',
    'apiserver_current_inflight_requests{request_kind="readOnly"} 1',
    // The one that was given up on still holds its seat.
    'apiserver_current_inflight_requests{request_kind="mutating"} 1',
    'apiserver_flowcontrol_current_executing_requests{flow_schema="exempt",priority_level="exempt"} 2',
  ]) {
    assert.ok(before.includes(`\n${line}\n`), line);
  }
  abort.abort();
  assert.ok((await text()).includes(`\n${watches} 0\n`));
});

test('the size of a database on a disk is told, and one that can’t be asked is left out', async () => {
  let bytes: number | undefined = 4096;
  const size = async (): Promise<{ id: string; bytes: number }> => {
    if (bytes === undefined) throw new Error('no answer');
    return { id: 'etcd-0', bytes };
  };
  await using running = await startTestServer({ store: { ...createMemoryStore(), size } });
  const text = async (): Promise<string> => (await running.request('GET', '/metrics')).body;
  assert.ok((await text()).includes('\napiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 4096\n'));
  bytes = undefined;
  const without = await text();
  assert.ok(!without.includes('apiserver_storage_size_bytes') && without.includes('apiserver_request_total'));
});

test('V8’s profiles are for those who may get their paths', async () => {
  const security = () => ({
    authenticate: async ({ identity }: { identity?: { username: string; groups: string[] } }) => ({ user: identity ?? admin }),
    authorize: ({ path, user }: { path: string; user: { username: string } }) => ({
      decision: path.startsWith('/debug/') && user.username !== 'admin' ? ('deny' as const) : ('allow' as const),
      reason: '',
    }),
  });
  await using running = await startTestServer({ security });
  const refused = await running.server.handle({ method: 'GET', path: '/debug/v8/profile?seconds=0.01', headers: {} }, { username: 'other', groups: [] });
  assert.equal(refused.status, 403);
  const profile = await running.request('GET', '/debug/v8/profile?seconds=0.01');
  assert.equal(profile.status, 200);
  assert.ok(profile.body.nodes.length > 0);
  assert.equal((await running.request('GET', '/debug/v8/profile?seconds=1000')).status, 400);
  assert.equal((await running.request('GET', '/debug/pprof/profile')).status, 404);
});

test('sizes, admission steps, deprecated versions, who asks, health, features and other components are told too', async () => {
  await using running = await startTestServer({
    features: [{ name: 'WatchList', stage: 'BETA', enabled: true }],
    componentMetrics: (component) => (component === 'kube-scheduler' ? Promise.resolve('scheduler_pending_pods{queue="active"} 0\n') : undefined),
  });
  await running.request('POST', maps, { metadata: { name: 'one' } });
  await running.request('GET', `${maps}/one`);
  await running.request('GET', '/api/v1/namespaces/default/endpoints');
  await running.request('GET', '/readyz/ping');
  const text: string = (await running.request('GET', '/metrics')).body;
  const of = 'component="apiserver",group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"';
  for (const line of [
    `apiserver_response_sizes_count{${of}} 1`,
    'apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1',
    'kubernetes_feature_enabled{name="WatchList",stage="BETA"} 1',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line);
  }
  for (const name of [
    'apiserver_request_sli_duration_seconds_count',
    'apiserver_admission_step_admission_duration_seconds_count',
    'authentication_attempts{result="success"}',
    'authenticated_user_requests{username="admin"}',
    'authorization_attempts_total{result="allowed"}',
    'apiserver_tls_handshake_errors_total',
    'apiserver_audit_event_total',
    'kubernetes_build_info{',
  ]) {
    assert.ok(text.includes(`\n${name}`) || text.includes(`# TYPE ${name}`), name);
  }
  assert.match((await running.request('GET', '/metrics/slis')).body, /\nkubernetes_healthcheck\{name="ping",type="readyz"\} 1\n/);
  assert.match((await running.request('GET', '/metrics?component=kube-scheduler')).body, /^scheduler_pending_pods/);
  assert.equal((await running.request('GET', '/metrics?component=none')).status, 404);
});
