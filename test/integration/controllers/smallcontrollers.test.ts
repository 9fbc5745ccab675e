import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoints } from '../../../src/api/core/v1/endpoints.ts';
import { services } from '../../../src/api/core/v1/service.ts';
import { endpointslices } from '../../../src/api/discovery/v1/endpointslice.ts';
import { ipaddresses } from '../../../src/api/networking/v1/ipaddress.ts';
import { servicecidrs } from '../../../src/api/networking/v1/servicecidr.ts';
import { clusterroles } from '../../../src/api/rbac/v1/clusterrole.ts';
import { clusterRoleAggregationController } from '../../../src/controllers/clusterroleaggregation.ts';
import { endpointSliceMirroringController } from '../../../src/controllers/endpointslice/mirroring.ts';
import { isDeletable, serviceCidrController } from '../../../src/controllers/servicecidrs.ts';
import { nextStep } from '../../../src/controllers/ttl.ts';
import { eventually, startCluster } from './harness.ts';

test('a role collects the rules of those that its selectors match', async () => {
  await using cluster = await startCluster({ controllers: [clusterRoleAggregationController] });
  const roles = cluster.client.resource(clusterroles);
  await roles.create({ metadata: { name: 'all' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { in: 'yes' } }] }, rules: [] });
  const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
  await roles.create({ metadata: { name: 'part', labels: { in: 'yes' } }, rules: [rule] });
  await roles.create({ metadata: { name: 'same', labels: { in: 'yes' } }, rules: [rule] });
  await roles.create({ metadata: { name: 'other' }, rules: [{ ...rule, verbs: ['delete'] }] });
  await eventually(async () => (await roles.get('', 'all')).rules?.length === 1, 'rules');
  await roles.delete('', 'part');
  await roles.delete('', 'same');
  await eventually(async () => !(await roles.get('', 'all')).rules?.length, 'no rules');
});

test('endpoints that somebody wrote by hand are mirrored, and follow', async () => {
  await using cluster = await startCluster({ controllers: [endpointSliceMirroringController] });
  const { client } = cluster;
  await client.resource(services).create({ metadata: { name: 'db', namespace: 'default' }, spec: { ports: [{ port: 5432 }] } });
  const subsets = [{ addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }], notReadyAddresses: [{ ip: '2001:db8::1' }], ports: [{ port: 5432 }] }];
  await client.resource(endpoints).create({ metadata: { name: 'db', namespace: 'default', labels: { a: 'b' } }, subsets });
  const slices = await eventually(async () => {
    const { items } = await client.resource(endpointslices).list('default');
    return items.length === 2 && items;
  }, 'slices');
  assert.deepEqual(slices.map(({ addressType, endpoints: list }) => `${addressType} ${list?.length}`).sort(), ['IPv4 2', 'IPv6 1']);
  assert.ok(
    slices.every(
      ({ metadata }) =>
        metadata.labels!['endpointslice.kubernetes.io/managed-by'] === 'endpointslicemirroring-controller.k8s.io' && metadata.labels!['a'] === 'b',
    ),
  );
  await client.resource(endpoints).patch('default', 'db', 'merge', { subsets: [{ addresses: [{ ip: '192.0.2.3' }], ports: [{ port: 5432 }] }] });
  await eventually(async () => {
    const { items } = await client.resource(endpointslices).list('default');
    return items.length === 1 && items[0]!.endpoints![0]!.addresses[0] === '192.0.2.3';
  }, 'one slice');
  await client.resource(endpoints).patch('default', 'db', 'merge', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } });
  await eventually(async () => (await client.resource(endpointslices).list('default')).items.length === 0, 'no slices');
});

test('a range of service addresses is ready, and stays while it is needed', async () => {
  await using cluster = await startCluster({ controllers: [serviceCidrController] });
  const { client } = cluster;
  const ranges = client.resource(servicecidrs);
  await ranges.create({ metadata: { name: 'extra' }, spec: { cidrs: ['10.200.0.0/24'] } });
  const condition = (status: string) =>
    eventually(async () => (await ranges.get('', 'extra')).status?.conditions?.find((one) => one.type === 'Ready' && one.status === status), `Ready ${status}`);
  await condition('True');
  await client
    .resource(ipaddresses)
    .create({ metadata: { name: '10.200.0.5' }, spec: { parentRef: { resource: 'services', name: 's', namespace: 'default' } } });
  await ranges.delete('', 'extra');
  assert.equal((await condition('False')).reason, 'Terminating');
});

test('a range may go when another one covers it', () => {
  const range = (name: string, cidr: string) => ({ metadata: { name }, spec: { cidrs: [cidr] } });
  const small = range('small', '10.0.1.0/24');
  assert.equal(isDeletable(small, [small], ['10.0.1.1']), false);
  assert.equal(isDeletable(small, [small], ['10.0.2.1']), true);
  assert.equal(isDeletable(small, [small, range('large', '10.0.0.0/16')], ['10.0.1.1']), true);
});

test('the larger the cluster, the longer kubelets may keep what they read', () => {
  assert.deepEqual([nextStep(0, 100), nextStep(0, 101), nextStep(1, 95), nextStep(1, 89), nextStep(0, 5000)], [0, 1, 1, 0, 4]);
});
