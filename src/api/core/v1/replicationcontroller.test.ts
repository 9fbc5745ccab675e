import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells } from '../../testing/strategy.ts';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { podtemplates } from './podtemplate.ts';
import { replicationcontrollers } from './replicationcontroller.ts';

const template = (over: Record<string, unknown> = {}): Any =>
  ({ metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i:1' }], ...over } }) as never;
const controller = (spec: Record<string, unknown> = {}): Record<string, unknown> => ({
  metadata: { name: 'x', namespace: 'default' },
  spec: { template: template(), ...spec },
});

test('a controller takes selector and labels from its template', () => {
  const { metadata, spec, status } = created(replicationcontrollers, controller());
  assert.deepEqual(metadata.labels, { app: 'a' });
  assert.deepEqual([spec.replicas, spec.selector, spec.template.spec.restartPolicy], [1, { app: 'a' }, 'Always']);
  assert.deepEqual(status, { replicas: 0 });
});

const bad: [string, Record<string, unknown>, string[]][] = [
  ['without a template', { template: null }, ['spec.selector: Required value', 'spec.template: Required value']],
  [
    'of other pods',
    { selector: { app: 'b' }, replicas: -1 },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'of pods that end',
    { template: template({ restartPolicy: 'Never', activeDeadlineSeconds: 1 }) },
    [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported',
    ],
  ],
];
for (const [what, spec, messages] of bad) {
  test(`a controller ${what} is refused`, () => assert.deepEqual(problems(replicationcontrollers, controller(spec)), messages));
}

test("a controller's status counts no more than there are", () => {
  const errors = changeProblems(
    replicationcontrollers,
    controller(),
    (object) => {
      object['status'] = { replicas: 1, readyReplicas: 2, availableReplicas: 3 };
    },
    'status',
  );
  assert.deepEqual(errors, [
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas',
  ]);
});

test('kubectl shows a controller', () => {
  const object = created(replicationcontrollers, controller());
  object.metadata.creationTimestamp = '2026-01-02T03:04:00Z';
  assert.deepEqual(cells(replicationcontrollers, object as never), ['x', 1, 0, 0, '5s', 'c', 'i:1', 'app=a']);
});

test('a pod template is a pod to be', () => {
  const object = { metadata: { name: 'x', namespace: 'default' }, template: template({ containers: [] }) };
  assert.deepEqual(problems(podtemplates, object), ['template.spec.containers: Required value']);
  assert.equal(created(podtemplates, object)['template'].spec.dnsPolicy, 'ClusterFirst');
});
