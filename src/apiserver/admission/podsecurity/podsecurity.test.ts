import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments } from '../../../api/apps/v1/deployment.ts';
import { namespaces } from '../../../api/core/v1/namespace.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import { simplePod, startAdmissionServer } from '../testing.ts';

test('a restricted namespace refuses an ordinary pod and says all that is wrong with it', async () => {
  await using server = await startAdmissionServer();
  await server.makeNamespace('strict', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  await assert.rejects(server.client.resource(pods).create(simplePod('strict', 'a')), {
    message:
      'pods "a" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  });
  const securityContext = { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } };
  await server.client.resource(pods).create(simplePod('strict', 'b', { containers: [{ name: 'main', image: 'i', securityContext }] }));
});

test('baseline allows the ordinary, and warns where it only warns', async () => {
  await using server = await startAdmissionServer();
  await server.makeNamespace('base', { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/enforce-version': 'v1.36' });
  await server.client.resource(pods).create(simplePod('base', 'a'));
  await assert.rejects(server.client.resource(pods).create(simplePod('base', 'b', { hostNetwork: true })), {
    message: 'pods "b" is forbidden: violates PodSecurity "baseline:v1.36": host namespaces (hostNetwork=true)',
  });
  const warnings: string[] = [];
  const user = server.as('user', ['system:masters'], warnings);
  const template = {
    metadata: { name: '', labels: { app: 'a' } },
    spec: { hostPID: true, containers: [{ name: 'main', image: 'i', securityContext: { privileged: true } }] },
  };
  await user.resource(deployments).create({ metadata: { name: 'd', namespace: 'base' }, spec: { selector: { matchLabels: { app: 'a' } }, template } });
  assert.deepEqual(warnings, [
    'would violate PodSecurity "baseline:v1.36": host namespaces (hostPID=true), privileged (container "main" must not set securityContext.privileged=true)',
  ]);
});

test('a namespace that becomes stricter tells of the pods in it, and labels must make sense', async () => {
  await using server = await startAdmissionServer();
  await server.makeNamespace('later');
  for (const name of ['b', 'a']) await server.client.resource(pods).create(simplePod('later', name, { hostIPC: true }));
  const warnings: string[] = [];
  const user = server.as('user', ['system:masters'], warnings);
  await user.resource(namespaces).patch('', 'later', 'merge', { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } } });
  assert.deepEqual(warnings, [
    'existing pods in namespace "later" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 1 other pod): host namespaces',
  ]);
  await assert.rejects(server.makeNamespace('odd', { 'pod-security.kubernetes.io/enforce': 'none' }), {
    message:
      'Namespace "odd" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "none": must be one of privileged, baseline, restricted',
  });
});
