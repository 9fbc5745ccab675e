import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { namespaces } from '../../api/core/v1/namespace.ts';
import { nodes } from '../../api/core/v1/node.ts';
import { pods } from '../../api/core/v1/pod.ts';
import { services } from '../../api/core/v1/service.ts';
import type { Pod, Service, ServiceSpec } from '../../api/core/v1/types.gen.ts';
import { ipaddresses } from '../../api/networking/v1/ipaddress.ts';
import { poddisruptionbudgets } from '../../api/policy/v1/poddisruptionbudget.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { startTestServer } from '../testing/server.ts';
import { selfSigned } from '../testing/tls.ts';

const service = (name: string, spec: ServiceSpec): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], selector: { app: 'web' }, ...spec },
});

const pod = (name: string): Pod => ({
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'web' }] },
});

test('a service gets an address and node ports, and gives them back', async () => {
  await using running = await startTestServer({ serviceCidrs: ['10.0.0.0/24'], nodePortRange: { from: 30000, to: 30009 } });
  const { client } = running;
  const all = client.resource(services);
  const created = await all.create(
    service('web', {
      type: 'NodePort',
      ports: [{ port: 80 }, { port: 53, protocol: 'UDP', name: 'dns' }].map((port, index) => ({ name: `p${index}`, ...port })),
    }),
  );
  const { clusterIP = '', clusterIPs, ipFamilies, ipFamilyPolicy, ports = [] } = created.spec ?? {};
  assert.match(clusterIP, /^10\.0\.0\.\d+$/);
  assert.deepEqual([clusterIPs, ipFamilies, ipFamilyPolicy], [[clusterIP], ['IPv4'], 'SingleStack']);
  assert.ok(ports.every(({ nodePort = 0 }) => nodePort >= 30000 && nodePort <= 30009));
  const address = await client.resource(ipaddresses).get('', clusterIP);
  assert.deepEqual(address.spec.parentRef, { resource: 'services', namespace: 'default', name: 'web' });
  await assert.rejects(all.create(service('same', { clusterIP })), /failed to allocate IP 10\.0\.0\.\d+: provided IP is already allocated/);
  await assert.rejects(
    all.create(service('port', { type: 'NodePort', ports: [{ port: 80, nodePort: ports[0]?.nodePort as number }] })),
    /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated/,
  );
  await assert.rejects(all.create(service('far', { clusterIP: '10.9.0.1' })), /the provided network does not match the current range/);
  await all.delete('default', 'web');
  await assert.rejects(client.resource(ipaddresses).get('', clusterIP), /not found/);
  const again = await all.create(service('again', { type: 'NodePort', clusterIP, ports: [{ port: 80, nodePort: ports[0]?.nodePort as number }] }));
  const changed = await all.update({ ...again, spec: { ...again.spec, type: 'ClusterIP' } });
  assert.equal(changed.spec?.ports?.[0]?.nodePort, undefined);
  const headless = await all.create(service('headless', { clusterIP: 'None' }));
  assert.deepEqual(headless.spec?.clusterIPs, ['None']);
});

test('a service asks for two families where the cluster has them', async () => {
  await using running = await startTestServer({ serviceCidrs: ['10.0.0.0/24', 'fd00::/112'] });
  const both = await running.client.resource(services).create(service('both', { ipFamilyPolicy: 'PreferDualStack' }));
  assert.deepEqual(both.spec?.ipFamilies, ['IPv4', 'IPv6']);
  assert.match(both.spec?.clusterIPs?.[1] ?? '', /^fd00::/);
});

test('a server that listens brings the system namespaces and the kubernetes service', async () => {
  await using running = await startTestServer({ serviceCidrs: ['10.0.0.0/24'], advertiseAddress: '192.0.2.1' });
  const listener = await running.server.listen({ port: 0, tls: selfSigned() });
  const names = (await running.client.resource(namespaces).list('')).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(names, ['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  const { body } = await running.request('GET', '/api/v1/namespaces/default/services/kubernetes');
  assert.equal(body.spec.clusterIP, '10.0.0.1');
  const slice = await running.request('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
  assert.deepEqual([slice.body.endpoints[0].addresses, slice.body.ports[0].port], [['192.0.2.1'], listener.port]);
});

test('a namespace stays until its finalizer is taken off', async () => {
  await using running = await startTestServer();
  const { client, request } = running;
  const all = client.resource(namespaces);
  await all.create({ metadata: { name: 'passing' }, spec: {} });
  await all.delete('', 'passing');
  const waiting = await all.get('', 'passing');
  assert.equal(waiting.status?.phase, 'Terminating');
  const done = await request('PUT', '/api/v1/namespaces/passing/finalize', { ...waiting, spec: { finalizers: [] } });
  assert.equal(done.status, 200);
  await assert.rejects(all.get('', 'passing'), /not found/);
});

test('a pod is bound to a node once', async () => {
  await using running = await startTestServer();
  const { client, request } = running;
  await client.resource(pods).create(pod('web'));
  const path = '/api/v1/namespaces/default/pods/web/binding';
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target: { kind: 'Node', name: 'one' } };
  const first = await request('POST', path, binding);
  assert.deepEqual([first.status, first.body.status], [201, 'Success']);
  const bound = await client.resource(pods).get('default', 'web');
  assert.equal(bound.spec.nodeName, 'one');
  const second = await request('POST', path, binding);
  assert.equal(second.body.message, 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "one"');
});

test('an eviction asks the disruption budget', async () => {
  await using running = await startTestServer();
  const { client, request } = running;
  const all = client.resource(pods);
  const created = await all.create(pod('web'));
  const conditions = [{ type: 'Ready', status: 'True' }];
  await all.updateStatus({ ...created, status: { phase: 'Running', conditions } } as Pod);
  const budgets = client.resource(poddisruptionbudgets);
  const budget = await budgets.create({
    metadata: { name: 'guard', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  const observed = { observedGeneration: budget.metadata.generation ?? 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 0 };
  const guarded = await budgets.updateStatus({ ...budget, status: observed });
  const evict = () => request('POST', '/api/v1/namespaces/default/pods/web/eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } });
  const refused = await evict();
  assert.deepEqual([refused.status, refused.body.details.causes[0].message], [429, 'The disruption budget guard needs 1 healthy pods and has 1 currently']);
  await budgets.updateStatus({ ...guarded, status: { ...observed, currentHealthy: 2, disruptionsAllowed: 1 } });
  const allowed = await evict();
  assert.deepEqual([allowed.status, allowed.body.status], [201, 'Success']);
  const { status } = await budgets.get('default', 'guard');
  assert.ok(status?.disruptedPods?.['web']);
  assert.equal(status?.disruptionsAllowed ?? 0, 0);
});

/** A kubelet that answers logs and echoes what comes after an upgrade. */
async function fakeKubelet() {
  const tls = selfSigned();
  const paths: string[] = [];
  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    paths.push(request.url ?? '');
    if (request.url?.startsWith('/containerLogs/')) response.end('line 1\nline 2\n');
    else response.writeHead(200, { 'x-from': 'kubelet' }).end(`${request.method} ${request.url}`);
  });
  server.on('upgrade', (request, socket) => {
    paths.push(request.url ?? '');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, paths, close };
}

test('logs, exec and node proxy reach the kubelet', async () => {
  const kubelet = await fakeKubelet();
  try {
    await using running = await startTestServer();
    const { client, request } = running;
    const node = await client.resource(nodes).create({ metadata: { name: 'one' }, spec: {} });
    await client.resource(nodes).updateStatus({
      ...node,
      status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } },
    });
    const bound = pod('web');
    bound.spec.nodeName = 'one';
    await client.resource(pods).create(bound);
    const log = await request('GET', '/api/v1/namespaces/default/pods/web/log?follow=true&tailLines=2');
    assert.deepEqual([log.status, log.body], [200, 'line 1\nline 2\n']);
    assert.deepEqual(kubelet.paths, ['/containerLogs/default/web/web?follow=true&tailLines=2']);
    const wrong = await request('GET', '/api/v1/namespaces/default/pods/web/log?container=other');
    assert.deepEqual([wrong.status, wrong.body.message], [400, 'container other is not valid for pod web']);
    assert.equal((await request('GET', '/api/v1/nodes/one/proxy/stats/summary?a=b')).body, 'GET /stats/summary?a=b');

    await client.resource(nodes).patch('', 'one', 'merge', { metadata: { labels: { 'knarr.dev/simulated': 'true' } } });
    for (const path of ['namespaces/default/pods/web/log', 'nodes/one/proxy/stats/summary']) {
      const { status, body } = await request('GET', `/api/v1/${path}`);
      assert.equal(status, 400);
      assert.match(body.message, /^node "one" is simulated: no containers run there/);
    }
    await client.resource(nodes).patch('', 'one', 'merge', { metadata: { labels: { 'knarr.dev/simulated': null } } });

    const tls = selfSigned();
    const listener = await running.server.listen({ port: 0, tls });
    const socket = connect({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    const path = '/api/v1/namespaces/default/pods/web/exec?command=sh&command=-c&stdin=true&stdout=true&tty=false&stderr=false';
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhello`);
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes('hello')) break;
    }
    socket.destroy();
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.equal(kubelet.paths.at(-1), '/exec/default/web/web?input=1&output=1&command=sh&command=-c');
  } finally {
    kubelet.close();
  }
});

test('two servers on one store never give out the same, and are both found', async () => {
  const store = createMemoryStore();
  await using one = await startTestServer({ store, serviceCidrs: ['10.0.0.0/24'], advertiseAddress: '192.0.2.1', advertisePort: 6443 });
  await using two = await startTestServer({ store, serviceCidrs: ['10.0.0.0/24'], advertiseAddress: '192.0.2.2', advertisePort: 6443 });
  await one.server.start();
  await two.server.start();
  const created = await Promise.all(
    Array.from({ length: 60 }, (_, index) => (index % 2 ? one : two).client.resource(services).create(service(`s${index}`, { type: 'NodePort' }))),
  );
  assert.equal(new Set(created.map(({ spec }) => spec?.clusterIP)).size, 60);
  assert.equal(new Set(created.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size, 60);
  const slice = await one.request('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
  assert.deepEqual(
    slice.body.endpoints.map(({ addresses }: { addresses: string[] }) => addresses[0]),
    ['192.0.2.1', '192.0.2.2'],
  );
});
