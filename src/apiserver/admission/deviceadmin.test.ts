import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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
