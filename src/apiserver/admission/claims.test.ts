/** What claims may ask for, and who may write their status. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clusterroles } from '../../api/rbac/v1/clusterrole.ts';
import { clusterrolebindings } from '../../api/rbac/v1/clusterrolebinding.ts';
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import { type AdmissionServer, startAdmissionServer } from './testing.ts';

let server: AdmissionServer;
before(async () => {
  server = await startAdmissionServer();
  await server.makeNamespace('plain');
  await server.makeNamespace('trusted', { 'resource.kubernetes.io/admin-access': 'true' });
});
after(() => server[Symbol.asyncDispose]());

test('access to devices in use is for namespaces that are marked for it', async () => {
  const claims = server.client.resource(resourceclaims);
  const claim = (namespace: string, adminAccess: boolean) => ({
    metadata: { name: `c-${adminAccess}`, namespace },
    spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com', adminAccess } }] } },
  });
  await claims.create(claim('plain', false));
  await claims.create(claim('trusted', true));
  await assert.rejects(claims.create(claim('plain', true)), {
    message:
      'ResourceClaim.resource.k8s.io "c-true" is invalid: spec.devices.requests[0].adminAccess: Forbidden: ' +
      'admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
  });
});

const statusRule = { apiGroups: ['resource.k8s.io'], resources: ['resourceclaims/status'], verbs: ['update', 'patch'] };

test('what is allocated is written by who may bind, what is said of a device by who may speak for its driver', async () => {
  const { client } = server;
  const grant = async (user: string, ...rules: Record<string, string[]>[]): Promise<void> => {
    await client.resource(clusterroles).create({ metadata: { name: user }, rules: [statusRule, ...rules] as never });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user };
    await client.resource(clusterrolebindings).create({ metadata: { name: user }, roleRef, subjects: [{ kind: 'User', name: user }] });
  };
  await grant('nobody');
  await grant('scheduler', { apiGroups: ['resource.k8s.io'], resources: ['resourceclaims/binding'], verbs: ['update'] });
  const resources = ['resourceclaims/driver'];
  await grant('driver', { apiGroups: ['resource.k8s.io'], resources, resourceNames: ['gpu.example.com'], verbs: ['arbitrary-node:update'] });
  const spec = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] } };
  let claim = await client.resource(resourceclaims).create({ metadata: { name: 'c', namespace: 'plain' }, spec });
  const write = async (user: string, status: typeof claim.status): Promise<void> => {
    const written = await server
      .as(user, [])
      .resource(resourceclaims)
      .updateStatus({ ...claim, status });
    claim = written;
  };
  const named = { driver: 'gpu.example.com', pool: 'node1', device: 'gpu0' };
  const allocation = { devices: { results: [{ request: 'gpu', ...named }] } };
  await assert.rejects(write('nobody', { allocation }), /status.allocation: Forbidden: changing status.allocation or status.reservedFor requires/);
  await write('scheduler', { allocation });
  await assert.rejects(write('scheduler', { allocation, devices: [named] }), /changing status.devices requires resource="resourceclaims\/driver"/);
  await write('driver', { allocation, devices: [named] });
  assert.equal(claim.status?.devices?.length, 1);
});
