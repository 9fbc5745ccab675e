import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells, context, created, createErrors, updateErrors } from '../../testing/strategy.ts';
import { componentstatuses } from './componentstatus.ts';
import { namespaces } from './namespace.ts';
import { nodes } from './node.ts';
import type { Namespace, Node } from './types.gen.ts';

const age = '2026-01-02T03:04:00Z';

test('a namespace is active, has its label and a finalizer', () => {
  const { metadata, ...rest } = created(namespaces, { metadata: { name: 'n' }, spec: {} });
  assert.deepEqual(metadata.labels, { 'kubernetes.io/metadata.name': 'n' });
  assert.deepEqual(rest, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  assert.deepEqual(namespaces.validateName?.('a.b', false), ['must not contain dots']);
});

test("a namespace's finalizers change through its own endpoint alone", () => {
  const old = created(namespaces, { metadata: { name: 'n' }, spec: {} });
  const object: Namespace = { ...structuredClone(old), spec: { finalizers: [] } };
  namespaces.prepareForUpdate?.(object, old, context());
  assert.deepEqual(object.spec, { finalizers: ['kubernetes'] });
  const errors = (name: string): string[] =>
    updateErrors(
      namespaces,
      old,
      ({ spec }) => {
        spec!.finalizers = [name];
      },
      'finalize',
    );
  assert.deepEqual(errors('example.com/f'), []);
  assert.deepEqual(errors('f'), ['spec.finalizers[0]: Invalid value: "f": name is neither a standard finalizer name nor is it fully qualified']);
});

test('deletion of a namespace waits for its finalizers and says so', () => {
  const object = created(namespaces, { metadata: { name: 'n' }, spec: {} });
  assert.equal(namespaces.finalizeOnDelete?.(object), true);
  assert.equal(object.status?.phase, 'Terminating');
  assert.equal(namespaces.finalizeOnDelete?.({ ...object, spec: {} }), false);
});

test("a namespace's phase follows its deletion", () => {
  const old = created(namespaces, { metadata: { name: 'n' }, spec: {} });
  const errors = updateErrors(
    namespaces,
    old,
    (object) => {
      object.status = { phase: 'Terminating' };
    },
    'status',
  );
  assert.deepEqual(errors, ['status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty']);
});

const node = (over: Partial<Node> = {}): Node => ({ metadata: { name: 'n', creationTimestamp: age }, spec: {}, ...over });

test('a node gives to pods what it has', () => {
  const object = created(nodes, node({ spec: { podCIDR: '10.0.0.0/24' }, status: { capacity: { cpu: '2' } } }));
  assert.deepEqual(object.status?.allocatable, { cpu: '2' });
  assert.deepEqual(object.spec?.podCIDRs, ['10.0.0.0/24']);
});

test('a bad node is refused', () => {
  const errors = createErrors(
    nodes,
    node({
      spec: {
        taints: [
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', effect: 'NoSchedule' },
          { key: 'b', effect: 'x' },
        ],
        podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'],
      },
      status: { capacity: { pods: '1.5', cpu: '-1' }, declaredFeatures: ['B', 'A', 'a'] },
    }),
  );
  assert.deepEqual(errors, [
    'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    'metadata.taints[2].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    'status.capacity.pods: Invalid value: "1500m": must be an integer',
    'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
    'status.allocatable.pods: Invalid value: "1500m": must be an integer',
    'status.allocatable.cpu: Invalid value: "-1": must be greater than or equal to 0',
    'status.declaredFeatures[1]: Invalid value: "A": list must be sorted alphabetically',
    'status.declaredFeatures[2]: Invalid value: "a": invalid feature name "a": must start with an UpperCamelCase segment, with subsequent segments separated by \'/\' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes',
    'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
  ]);
});

test("a node's provider and networks stay once they are set", () => {
  const old = created(nodes, node({ spec: { providerID: 'a', podCIDRs: ['10.0.0.0/24'] } }));
  const errors = updateErrors(nodes, old, ({ spec }) => {
    spec!.providerID = 'b';
    spec!.podCIDR = '10.0.1.0/24';
    spec!.podCIDRs = ['10.0.1.0/24'];
    spec!.unschedulable = true;
  });
  assert.deepEqual(errors, [
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
  ]);
});

test('kubectl shows readiness, roles and addresses of a node', () => {
  const object = node({
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    },
  });
  object.metadata.labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' };
  assert.deepEqual(cells(nodes, object), [
    'n',
    'Ready,SchedulingDisabled',
    'control-plane,worker',
    '5s',
    '',
    '10.0.0.1',
    '<none>',
    '<unknown>',
    '<unknown>',
    '<unknown>',
  ]);
});

test('kubectl shows the health of a component', () => {
  const object = { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] };
  assert.deepEqual(cells(componentstatuses, object), ['etcd-0', 'Healthy', 'ok', '']);
});
