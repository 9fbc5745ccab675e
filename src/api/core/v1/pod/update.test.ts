import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, pod } from '../../../testing/pods.ts';
import { created, updateErrors } from '../../../testing/strategy.ts';
import { pods } from '../pod.ts';
import type { ContainerStatus, Pod, PodSpec } from '../types.gen.ts';

const updatable =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

test('images, deadlines and new tolerations may change, nothing else', () => {
  const old = created(pods, pod({ tolerations: [{ key: 'a', operator: 'Exists' }], activeDeadlineSeconds: 10 }));
  const errors = (change: (pod: Pod) => void): string[] => updateErrors(pods, old, change);
  assert.deepEqual(
    errors(({ spec }) => {
      spec.containers[0]!.image = 'other';
      spec.activeDeadlineSeconds = 5;
      spec.tolerations!.push({ key: 'b', operator: 'Exists' });
    }),
    [],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.hostname = 'x';
    }),
    [`${updatable}\n+ hostname: "x"\n`],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.tolerations = [];
    }),
    ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.activeDeadlineSeconds = 20;
    }),
    ['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
  );
  assert.deepEqual(
    errors(({ spec }) => {
      spec.containers.push(container({ name: 'd' }));
    }),
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  );
});

test('a gated pod may be narrowed to fewer nodes', () => {
  const old = created(pods, pod({ schedulingGates: [{ name: 'g' }], nodeSelector: { a: '1' } }));
  assert.deepEqual(
    updateErrors(pods, old, ({ spec }) => {
      spec.nodeSelector = { a: '1', b: '2' };
      spec.schedulingGates = [];
      spec.affinity = {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'Exists' }] }] } },
      };
    }),
    [],
  );
  const widened = updateErrors(pods, old, ({ spec }) => {
    spec.nodeSelector = {};
    spec.schedulingGates = [{ name: 'h' }];
  });
  assert.deepEqual(widened, [
    "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'",
    'spec.nodeSelector: Invalid value: {}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
  ]);
});

test('the status endpoint keeps spec and QoS class, and no container comes back to life', () => {
  const old = created(pods, pod({ restartPolicy: 'Never' }));
  const ended: ContainerStatus = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 1 } } };
  old.status = { ...old.status, containerStatuses: [ended] };
  const errors = updateErrors(
    pods,
    old,
    (changed) => {
      changed.status = { containerStatuses: [{ ...ended, state: { running: {} } }], podIPs: [{ ip: '1.2.3.4' }, { ip: '1.2.3.5' }] };
    },
    'status',
  );
  assert.deepEqual(errors, [
    'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    'status.podIPs: Invalid value: [{"IP":"1.2.3.4"},{"IP":"1.2.3.5"}]: may specify no more than one IP for each IP family',
  ]);
});

test('a resize changes CPU and memory within the QoS class', () => {
  const old = created(pods, pod({ containers: [container({ resources: { requests: { cpu: '1', 'ephemeral-storage': '1Gi' } } })] }));
  const errors = (requests: Record<string, string>): string[] =>
    updateErrors(
      pods,
      old,
      ({ spec }) => {
        spec.containers[0]!.resources = { requests };
        spec.hostname = 'ignored';
      },
      'resize',
    );
  assert.deepEqual(errors({ cpu: '2', 'ephemeral-storage': '1Gi' }), []);
  assert.deepEqual(errors({ cpu: '1', 'ephemeral-storage': '2Gi' }), ['spec: Forbidden: only cpu and memory resources are mutable']);
  assert.deepEqual(errors({ 'ephemeral-storage': '1Gi' }), [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
  ]);
});

test('ephemeral containers are added, never changed or removed', () => {
  const old = created(pods, pod());
  old.spec.ephemeralContainers = [{ name: 'e', image: 'i' }];
  pods.setDefaults?.(old);
  const errors = (change: (spec: PodSpec) => void): string[] => updateErrors(pods, old, ({ spec }) => change(spec), 'ephemeralcontainers');
  assert.deepEqual(
    errors((spec) => {
      spec.ephemeralContainers!.push({ name: 'f', image: 'i' });
    }),
    [],
  );
  assert.deepEqual(
    errors((spec) => {
      spec.ephemeralContainers = [];
    }),
    ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n'],
  );
});
