import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoints } from '../../../src/api/core/v1/endpoints.ts';
import { nodes } from '../../../src/api/core/v1/node.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { services } from '../../../src/api/core/v1/service.ts';
import type { Pod, Service } from '../../../src/api/core/v1/types.gen.ts';
import { endpointslices } from '../../../src/api/discovery/v1/endpointslice.ts';
import type { Endpoint, EndpointSlice } from '../../../src/api/discovery/v1/types.gen.ts';
import type { Client } from '../../../src/client/client.ts';
import { endpointsController } from '../../../src/controllers/endpoint/endpoint.ts';
import { endpointSliceController } from '../../../src/controllers/endpointslice/endpointslice.ts';
import { eventually, startCluster } from './harness.ts';

const web = { app: 'web' };
const service = (spec: Partial<Service['spec']> = {}): Service => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: web, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
});
const pod = (name: string, labels = web): Pod => ({
  metadata: { name, namespace: 'default', labels },
  spec: { nodeName: 'n', terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }] },
});
let address = 10;
const status = (ready: boolean): Pod['status'] => {
  const ip = `10.0.0.${address++}`;
  return { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] };
};

async function start(kubelet: (pod: Pod) => Pod['status']) {
  const cluster = await startCluster({ controllers: [endpointSliceController, endpointsController], kubelet });
  await cluster.client.resource(nodes).create({ metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'a' } }, spec: {} });
  return cluster;
}

const slices = async (client: Client): Promise<EndpointSlice[]> =>
  (await client.resource(endpointslices).list('default', { labelSelector: 'kubernetes.io/service-name=web' })).items;
const all = async (client: Client): Promise<Endpoint[]> => (await slices(client)).flatMap((slice) => slice.endpoints ?? []);

test('a service publishes its pods, ready or not, and follows them', async () => {
  await using cluster = await start(({ metadata }) => status(metadata.name !== 'slow'));
  const { client } = cluster;
  const pods = client.resource(podKind);
  await client.resource(services).create(service());
  await eventually(async () => (await slices(client)).length === 1, 'an empty slice');
  await pods.create(pod('a'));
  await pods.create(pod('slow'));
  await pods.create(pod('other', { app: 'other' }));
  const found = await eventually(async () => {
    const list = await all(client);
    return list.length === 2 && list;
  }, 'two endpoints');
  const states = Object.fromEntries(found.map(({ targetRef, conditions }) => [targetRef!.name, conditions]));
  assert.deepEqual(states, { a: { ready: true, serving: true, terminating: false }, slow: { ready: false, serving: false, terminating: false } });
  assert.ok(found.every(({ nodeName, zone }) => nodeName === 'n' && zone === 'a'));
  const [slice] = await slices(client);
  assert.deepEqual(slice!.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  assert.equal(slice!.metadata.labels!['endpointslice.kubernetes.io/managed-by'], 'endpointslice-controller.k8s.io');
  const old = await eventually(async () => {
    const object = await client
      .resource(endpoints)
      .get('default', 'web')
      .catch(() => undefined);
    return object?.subsets?.[0]?.notReadyAddresses && object.subsets[0].addresses && object;
  }, 'endpoints');
  assert.equal(old.subsets!.length, 1);
  assert.deepEqual(
    old.subsets![0]!.addresses!.map(({ targetRef }) => targetRef!.name),
    ['a'],
  );
  await pods.delete('default', 'slow', { gracePeriodSeconds: 0 });
  await eventually(async () => (await all(client)).length === 1, 'one endpoint');
  await client.resource(services).delete('default', 'web');
  await eventually(async () => (await client.resource(endpoints).list('default')).items.length === 0, 'no endpoints');
});

test('a slice holds a hundred endpoints, and what changes is written alone', async () => {
  await using cluster = await start(() => status(true));
  const { client } = cluster;
  await client.resource(services).create(service());
  for (let i = 0; i < 120; i++) await client.resource(podKind).create(pod(`p${i}`));
  await eventually(async () => (await all(client)).length === 120, '120 endpoints', 20_000);
  const list = await slices(client);
  assert.ok(list.length >= 2 && list.every((slice) => slice.endpoints!.length <= 100), `${list.map((slice) => slice.endpoints!.length)}`);
  const uids = (await all(client)).map(({ targetRef }) => targetRef!.uid);
  assert.equal(new Set(uids).size, 120, 'no endpoint twice');
});

test('a headless service that publishes everything says so', async () => {
  await using cluster = await start(() => status(false));
  const { client } = cluster;
  await client.resource(services).create(service({ clusterIP: 'None', publishNotReadyAddresses: true }));
  const named = pod('a');
  named.spec.hostname = 'a';
  named.spec.subdomain = 'web';
  await client.resource(podKind).create(named);
  const [endpoint] = await eventually(async () => {
    const list = await all(client);
    return list.length === 1 && list;
  }, 'an endpoint');
  assert.equal(endpoint!.hostname, 'a');
  assert.equal(endpoint!.conditions!.ready, true);
  const [slice] = await slices(client);
  assert.equal(slice!.metadata.labels!['service.kubernetes.io/headless'], '');
});
