/** `metrics.k8s.io` as clients see it, with a kubelet that tells what the test wants. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestServer } from '../../testing/server.ts';
import { startTestServer } from '../../testing/server.ts';
import { selfSigned } from '../../testing/tls.ts';
import type { Dial } from '../proxy/dial.ts';
import { dialDirectly } from '../proxy/dial.ts';
import { createUsageCollector } from './collector.ts';

const root = '/apis/metrics.k8s.io/v1beta1';

/** Answers every request with what `answer` gives; all addresses lead to it. */
async function startPeer(answer: (url: string) => string): Promise<AsyncDisposable & { dial: Dial }> {
  const server = createServer(selfSigned(), (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(answer(request.url ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    dial: () => dialDirectly({ host: '127.0.0.1', port }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail('it did not come to be');
}

/** Of a pod `web` whose containers began twelve seconds ago and have used a quarter of a CPU since. */
function exposition(): string {
  const of = (name: string): string => {
    const labels = `{container="${name}",namespace="default",pod="web"}`;
    return `container_cpu_usage_seconds_total${labels} 3\ncontainer_memory_working_set_bytes${labels} 2097152\ncontainer_start_time_seconds${labels} ${Date.now() / 1000 - 12}\n`;
  };
  return `node_cpu_usage_seconds_total ${Date.now() / 2000}\nnode_memory_working_set_bytes 3145728\n${of('a')}${of('b')}`;
}

async function addNodeAndPod({ request }: TestServer): Promise<void> {
  const created = await request('POST', '/api/v1/nodes', { metadata: { name: 'one', labels: { zone: 'z' } } });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { conditions, addresses: [{ type: 'InternalIP', address: '192.0.2.1' }], daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } };
  await request('PATCH', '/api/v1/nodes/one/status', { status }, { 'content-type': 'application/merge-patch+json' });
  const containers = ['a', 'b'].map((name) => ({ name, image: 'i' }));
  await request('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'web', labels: { app: 'web' } }, spec: { nodeName: 'one', containers } });
  const pod = '/api/v1/namespaces/default/pods/web/status';
  const answer = await request('PATCH', pod, { status: { phase: 'Running' } }, { 'content-type': 'application/merge-patch+json' });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}

test('pods are told of with their labels, found by selectors, and not without a measurement', async () => {
  await using kubelet = await startPeer(exposition);
  await using running = await startTestServer({ dial: kubelet.dial, resourceMetrics: true });
  await running.server.start();
  await addNodeAndPod(running);
  const list = async (query = '') => (await running.request('GET', `${root}/pods${query}`)).body;
  await until(async () => (await list()).items.length === 1);
  const { kind, apiVersion, items } = await list('?labelSelector=app%3Dweb&fieldSelector=metadata.namespace%3Ddefault');
  assert.deepEqual([kind, apiVersion], ['PodMetricsList', 'metrics.k8s.io/v1beta1']);
  const [{ metadata, window, containers }] = items;
  assert.deepEqual([metadata.name, metadata.namespace, metadata.labels], ['web', 'default', { app: 'web' }]);
  assert.match(window, /^1[12](\.\d+)?s$/);
  assert.deepEqual(
    containers.map(({ name, usage }: { name: string; usage: { memory: string } }) => [name, usage.memory]),
    [
      ['a', '2Mi'],
      ['b', '2Mi'],
    ],
  );
  assert.equal((await list('?labelSelector=app%21%3Dweb')).items.length, 0);
  assert.equal((await running.request('GET', `${root}/namespaces/other/pods`)).body.items.length, 0);

  const one = await running.request('GET', `${root}/namespaces/default/pods/web`);
  assert.deepEqual([one.body.kind, one.body.containers.length], ['PodMetrics', 2]);
  const unknown = await running.request('GET', `${root}/namespaces/default/pods/other`);
  assert.deepEqual([unknown.status, unknown.body.message], [404, 'pods "other" not found']);
  await running.request('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'new' }, spec: { containers: [{ name: 'a', image: 'i' }] } });
  const unmeasured = await running.request('GET', `${root}/namespaces/default/pods/new`);
  assert.deepEqual([unmeasured.status, unmeasured.body.message], [404, 'podmetrics.metrics.k8s.io "default/new" not found']);
  assert.equal((await running.request('DELETE', `${root}/namespaces/default/pods/web`)).status, 405);
  for (const path of ['services', 'constructor', 'nodes/one/status', 'namespaces/default/nodes']) {
    assert.equal((await running.request('GET', `${root}/${path}`)).status, 404, path);
  }

  await running.request('DELETE', '/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0');
  assert.deepEqual((await list()).items, [], 'a pod that is gone is not told of');
});

test('a node is told of after the second look, and no longer when its kubelet is silent', async () => {
  let silent = false;
  await using kubelet = await startPeer(exposition);
  await using running = await startTestServer();
  const dial: Dial = (target) => (silent ? Promise.reject(new Error('no route to host')) : kubelet.dial(target));
  const collector = createUsageCollector({ reader: running.server.reader, kubelet: { dial }, everyMs: 100, firstMs: 50 });
  collector.start();
  try {
    await addNodeAndPod(running);
    await until(() => collector.node('one') !== undefined);
    const { cpuNanocores, memoryBytes } = collector.node('one')!;
    assert.equal(memoryBytes, 3145728);
    // The kubelet says half a CPU; its clock and the collector's are read a moment apart.
    assert.ok(cpuNanocores > 0 && cpuNanocores < 2e9, String(cpuNanocores));
    assert.equal(collector.pod('default', 'web')?.node, 'one');
    silent = true;
    await until(() => collector.node('one') === undefined && collector.pod('default', 'web') === undefined);
    silent = false;
    await until(() => collector.node('one') !== undefined);
    await running.request('DELETE', '/api/v1/nodes/one');
    await until(() => collector.node('one') === undefined);
  } finally {
    collector.stop();
  }
});

test('discovery lists the group only where it is asked for', async () => {
  const groups = async ({ request }: TestServer): Promise<string[]> =>
    (await request('GET', '/apis')).body.groups.map(({ name }: { name: string }) => name).filter((name: string) => name === 'metrics.k8s.io');
  await using plain = await startTestServer();
  assert.deepEqual(await groups(plain), []);
  assert.equal((await plain.request('GET', `${root}/nodes`)).status, 404);
  await using running = await startTestServer({ resourceMetrics: true });
  assert.deepEqual(await groups(running), ['metrics.k8s.io']);
  const { body } = await running.request('GET', root);
  assert.deepEqual(
    body.resources.map(({ name, kind }: { name: string; kind: string }) => [name, kind]),
    [
      ['nodes', 'NodeMetrics'],
      ['pods', 'PodMetrics'],
    ],
  );
  assert.equal((await running.request('GET', '/apis/metrics.k8s.io')).body.preferredVersion.groupVersion, 'metrics.k8s.io/v1beta1');
});

test("a metrics server that somebody installs takes this one's place, and gives it back", async () => {
  const resources = [{ name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] }];
  await using theirs = await startPeer((url) => JSON.stringify(url === root ? { kind: 'APIResourceList', resources } : { kind: 'Theirs' }));
  await using running = await startTestServer({ dial: theirs.dial, resourceMetrics: true });
  const { request, server } = running;
  await server.start();
  await request('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'metrics-server' }, spec: { ports: [{ port: 443 }] } });
  await request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'metrics-server-1', labels: { 'kubernetes.io/service-name': 'metrics-server' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.10'], conditions: { ready: true } }],
    ports: [{ name: '', port: 443, protocol: 'TCP' }],
  });
  const apiservices = '/apis/apiregistration.k8s.io/v1/apiservices';
  const created = await request('POST', apiservices, {
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { name: 'metrics-server', namespace: 'default' },
    },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const kindOf = async (): Promise<string> => (await request('GET', `${root}/nodes`)).body.kind;
  await until(async () => (await kindOf()) === 'Theirs');
  const { body } = await request('GET', '/apis/metrics.k8s.io');
  assert.equal(body.versions.length, 1);
  await request('DELETE', `${apiservices}/v1beta1.metrics.k8s.io`);
  await until(async () => (await kindOf()) === 'NodeMetricsList');
});
