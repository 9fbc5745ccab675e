import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControllerDefinition, defineController } from './controller.ts';
import { controllers } from './index.ts';
import { selectControllers, unknownControllers } from './selection.ts';

const named = (name: string, offByDefault = false): ControllerDefinition =>
  defineController({ name, offByDefault, setup: () => ({ reconcile: async () => {} }) });
const three = [named('deployment-controller'), named('job-controller'), named('rare-controller', true)];
const chosen = (list: string[]): string[] => selectControllers(list, three).map(({ name }) => name);

test('* is all that are on by default; names and -names say more, short forms too, and the first counts', () => {
  assert.deepEqual(chosen(['*']), ['deployment-controller', 'job-controller']);
  assert.deepEqual(chosen(['*', '-job']), ['deployment-controller']);
  assert.deepEqual(chosen(['*', 'rare-controller']), ['deployment-controller', 'job-controller', 'rare-controller']);
  assert.deepEqual(chosen(['job-controller', '-job-controller']), ['job-controller']);
  assert.deepEqual(chosen(['deployment']), ['deployment-controller']);
  assert.deepEqual(chosen([]), []);
  assert.deepEqual(chosen(['-*']), []);
});

test('a name that nobody knows is found; one of upstream that has nothing to do here may be switched off', () => {
  assert.deepEqual(unknownControllers(['*', '-jop', 'deployment', '-service-lb-controller'], three), ['-jop']);
  assert.deepEqual(unknownControllers(['service-lb-controller'], three), ['service-lb-controller']);
});

/** Of 1.36, as its `--help` lists them. */
const upstreams = `bootstrap-signer certificatesigningrequest-approving certificatesigningrequest-cleaner certificatesigningrequest-signing
  cloud-node-lifecycle clusterrole-aggregation cronjob daemonset deployment device-taint-eviction disruption endpoints endpointslice
  endpointslice-mirroring ephemeral-volume garbage-collector horizontal-pod-autoscaler job kube-apiserver-serving-clustertrustbundle-publisher
  legacy-serviceaccount-token-cleaner namespace node-ipam node-lifecycle node-route persistentvolume-attach-detach persistentvolume-binder
  persistentvolume-expander persistentvolume-protection persistentvolumeclaim-protection pod-garbage-collector podcertificaterequest-cleaner
  podgroup-protection replicaset replicationcontroller resourceclaim resourcepoolstatusrequest resourcequota root-ca-certificate-publisher
  selinux-warning service-cidr service-lb serviceaccount serviceaccount-token statefulset storage-version-migrator storageversion-garbage-collector
  taint-eviction token-cleaner ttl-after-finished ttl validatingadmissionpolicy-status volumeattributesclass-protection`
  .split(/\s+/)
  .map((name) => `${name}-controller`);

test('every controller has one of upstream’s names, and all of those can be switched off', () => {
  assert.deepEqual(
    controllers.filter(({ name }) => !upstreams.includes(name)),
    [],
  );
  assert.deepEqual(
    unknownControllers(
      upstreams.map((name) => `-${name}`),
      controllers,
    ),
    [],
  );
  const all = selectControllers(['*'], controllers);
  for (const controller of controllers) {
    assert.deepEqual(
      selectControllers(['*', `-${controller.name}`], controllers),
      all.filter((other) => other !== controller),
    );
    assert.deepEqual(selectControllers([controller.name], controllers), [controller]);
  }
});

test('every controller has a name of its own', () => {
  const names = controllers.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});
