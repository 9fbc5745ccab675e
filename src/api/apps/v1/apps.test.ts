import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindDefinition } from '../../kind.ts';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { controllerrevisions } from './controllerrevision.ts';
import { daemonsets } from './daemonset.ts';
import { deployments } from './deployment.ts';
import { replicasets } from './replicaset.ts';
import { statefulsets } from './statefulset.ts';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx:1.25' }] } };
const selector = { matchLabels: { app: 'web' } };
const workload = (spec: Record<string, unknown> = {}): Record<string, unknown> => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector, template, ...spec },
});
const kinds: readonly KindDefinition[] = [deployments, replicasets, daemonsets, statefulsets];

test('a Deployment gets a rolling update of a quarter, one replica, ten revisions and ten minutes', () => {
  const { spec } = created(deployments, workload());
  assert.deepEqual(spec.strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } });
  assert.deepEqual([spec.replicas, spec.revisionHistoryLimit, spec.progressDeadlineSeconds], [1, 10, 600]);
  assert.equal(spec.template.spec.restartPolicy, 'Always');
});

test('a StatefulSet is ordered, keeps its claims, and has claims with their type', () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  const { spec } = created(statefulsets, workload({ serviceName: 'web', volumeClaimTemplates: [claim] }));
  assert.equal(spec.podManagementPolicy, 'OrderedReady');
  assert.deepEqual(spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
  assert.deepEqual(spec.persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Retain', whenScaled: 'Retain' });
  const [{ apiVersion, kind, status }] = spec.volumeClaimTemplates;
  assert.deepEqual([apiVersion, kind, status.phase], ['v1', 'PersistentVolumeClaim', 'Pending']);
});

test('each workload accepts what upstream accepts', () => {
  for (const kind of kinds) assert.deepEqual(problems(kind, workload()), [], kind.kind);
});

test('a selector must choose, and choose the pods of the template', () => {
  assert.deepEqual(problems(deployments, workload({ selector: { matchLabels: { app: 'other' } } })), [
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ]);
  assert.deepEqual(problems(replicasets, workload({ selector: {} })), ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']);
  assert.deepEqual(problems(daemonsets, workload({ selector: {} })), ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset']);
});

test('pods of a workload run for good', () => {
  const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } };
  for (const [kind, name] of [
    [deployments, 'ReplicaSet'],
    [daemonsets, 'DaemonSet'],
    [statefulsets, 'StatefulSet'],
  ] as const) {
    assert.deepEqual(problems(kind, workload({ template: once })), [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      `spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ${name} is not Supported`,
    ]);
  }
});

test('a rollout must be able to move', () => {
  const rolling = (rollingUpdate: object): Record<string, unknown> => workload({ strategy: { type: 'RollingUpdate', rollingUpdate } });
  assert.deepEqual(problems(deployments, rolling({ maxUnavailable: 0, maxSurge: '0%' })), [
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
  ]);
  assert.deepEqual(problems(deployments, rolling({ maxUnavailable: '150%' })), [
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%',
  ]);
  assert.deepEqual(problems(deployments, workload({ strategy: { type: 'Recreate', rollingUpdate: {} } })), [
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ]);
  assert.deepEqual(problems(deployments, workload({ minReadySeconds: 600 })), [
    'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
  ]);
  const both = workload({ updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } });
  assert.deepEqual(problems(daemonsets, both), [
    'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
  ]);
});

test('the selector of a workload never changes', () => {
  const change = (object: Any): void => {
    object.spec.selector = { matchLabels: { app: 'web', more: 'x' } };
    object.spec.template.metadata.labels = { app: 'web', more: 'x' };
  };
  for (const kind of [deployments, replicasets, daemonsets]) {
    assert.deepEqual(changeProblems(kind, workload(), change), ['spec.selector: Invalid value: {"matchLabels":{"app":"web","more":"x"}}: field is immutable']);
  }
});

test('of a StatefulSet only some fields change', () => {
  assert.deepEqual(
    changeProblems(statefulsets, workload(), (set) => {
      set.spec.replicas = 3;
      set.spec.template.spec.containers[0].image = 'nginx:1.26';
      set.spec.minReadySeconds = 5;
    }),
    [],
  );
  const [problem] = changeProblems(statefulsets, workload(), (set) => {
    set.spec.serviceName = 'other';
  });
  assert.match(problem ?? '', /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', /);
});

test('a DaemonSet counts the changes of its template', () => {
  const old = created(daemonsets, workload());
  const annotation = 'deprecated.daemonset.template.generation';
  assert.equal(old.metadata.annotations?.[annotation], '1');
  const object = structuredClone(old);
  object.spec.template.spec.containers[0].image = 'nginx:1.26';
  daemonsets.prepareForUpdate?.(object as never, old as never, {} as never);
  assert.equal(object.metadata.annotations?.[annotation], '2');
});

test('numbers of a status must fit together', () => {
  const report = (status: object) => (object: Any) => {
    object['status'] = status;
  };
  assert.deepEqual(changeProblems(deployments, workload(), report({ replicas: 1, readyReplicas: 2, availableReplicas: 1 }), 'status'), [
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
  ]);
  assert.deepEqual(changeProblems(replicasets, workload(), report({ replicas: 2, readyReplicas: 1, availableReplicas: 2 }), 'status'), [
    'status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas',
  ]);
  assert.deepEqual(changeProblems(daemonsets, workload(), report({ currentNumberScheduled: -1 }), 'status'), [
    'status.currentNumberScheduled: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

test('a ControllerRevision holds an object that does not change', () => {
  const revision = { metadata: { name: 'r' }, data: { spec: {} }, revision: 1 };
  assert.deepEqual(problems(controllerrevisions, revision), []);
  assert.deepEqual(problems(controllerrevisions, { ...revision, data: undefined }), ['data: Required value: data is mandatory']);
  const [problem] = changeProblems(controllerrevisions, revision, (object) => {
    object['data'] = { spec: { a: 1 } };
  });
  assert.match(problem ?? '', /^data: Invalid value: .*: field is immutable$/);
});
