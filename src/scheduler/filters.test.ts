import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim } from '../api/core/v1/types.gen.ts';
import type { StorageClass } from '../api/storage/v1/types.gen.ts';
import { makeCluster, makeNode, makePod } from './testing/cluster.ts';

const web = { app: 'web' };
const zone = 'topology.kubernetes.io/zone';

test('a pod that fits nowhere is told why, reasons counted and sorted as text', () => {
  const { place } = makeCluster({
    nodes: [
      makeNode('small', { cpu: '500m' }),
      makeNode('tainted-1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
      makeNode('tainted-2', { spec: { taints: [{ key: 'b', effect: 'NoExecute' }] } }),
    ],
  });
  assert.equal(place(makePod('p', { cpu: '1' })), '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).');
});

test('all shortages of a node are named', () => {
  const { place } = makeCluster({ nodes: [makeNode('n', { cpu: '1', memory: '1Gi', pods: 1 })], pods: [makePod('there', { node: 'n' })] });
  const spec = { containers: [{ name: 'c', resources: { requests: { cpu: '2', memory: '2Gi', 'example.com/gpu': 1 } } }] };
  assert.equal(
    place(makePod('p', { spec })),
    '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods.',
  );
});

test('without nodes there is nothing to choose from', () => {
  assert.equal(makeCluster({ nodes: [] }).place(makePod('p')), 'no nodes available to schedule pods');
});

test('a cordoned node takes only pods that tolerate it', () => {
  const { place } = makeCluster({ nodes: [makeNode('n', { spec: { unschedulable: true } })] });
  assert.equal(place(makePod('p')), '0/1 nodes are available: 1 node(s) were unschedulable.');
  assert.equal(place(makePod('q', { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } })), 'n');
});

test('a pod that is bound to a node by name is only looked at there', () => {
  const { place } = makeCluster({ nodes: [makeNode('a'), makeNode('b', { cpu: '1' }), makeNode('c')] });
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] },
    },
  };
  assert.equal(place(makePod('fits', { spec: { affinity } })), 'b');
  assert.equal(
    place(makePod('large', { cpu: '2', spec: { containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }], affinity } })),
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
  );
});

test('node selectors are matched by label', () => {
  const { place } = makeCluster({ nodes: [makeNode('hdd'), makeNode('ssd', { labels: { disk: 'ssd' } })] });
  assert.equal(place(makePod('p', { spec: { nodeSelector: { disk: 'ssd' } } })), 'ssd');
  assert.equal(
    place(makePod('p', { spec: { nodeSelector: { disk: 'tape' } } })),
    "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
  );
});

test('a host port is taken by one pod of a node, unless both name different addresses', () => {
  const port = (hostIP?: string) => ({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80, hostIP }] }] });
  const { place } = makeCluster({ nodes: [makeNode('n')], pods: [makePod('there', { node: 'n', spec: port('10.0.0.1') })] });
  assert.equal(place(makePod('p', { spec: port() })), "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
  assert.equal(place(makePod('q', { spec: port('10.0.0.2') })), 'n');
});

test('required anti-affinity keeps replicas apart, in both directions', () => {
  const apart = {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: web }, topologyKey: 'kubernetes.io/hostname' }] },
  };
  const there = makePod('there', { node: 'a', labels: web, spec: { containers: [{ name: 'c' }], affinity: apart } });
  const { place } = makeCluster({ nodes: [makeNode('a'), makeNode('b')], pods: [there] });
  assert.equal(place(makePod('p', { labels: web, spec: { containers: [{ name: 'c' }], affinity: apart } })), 'b');
  const one = makeCluster({ nodes: [makeNode('a')], pods: [there] });
  assert.equal(one.place(makePod('p', { labels: web })), "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.");
  assert.equal(
    one.place(makePod('p', { labels: web, spec: { containers: [{ name: 'c' }], affinity: apart } })),
    "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
  );
});

test('the first of a group that wants to be together may go anywhere, the second goes to the first', () => {
  const together = {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: web }, topologyKey: zone }] },
  };
  const nodes = [makeNode('a', { labels: { [zone]: 'east' } }), makeNode('b', { labels: { [zone]: 'west' } }), makeNode('c')];
  const spec = { containers: [{ name: 'c' }], affinity: together };
  assert.match(makeCluster({ nodes }).place(makePod('p', { labels: web, spec })), /^[ab]$/);
  assert.equal(makeCluster({ nodes, pods: [makePod('there', { node: 'b', labels: web })] }).place(makePod('p', { labels: web, spec })), 'b');
  assert.equal(
    makeCluster({ nodes: nodes.slice(0, 1) }).place(makePod('other', { spec })),
    "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
  );
});

test('affinity looks into namespaces that are chosen by label', () => {
  const affinity = {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: web }, namespaceSelector: { matchLabels: { team: 'a' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  };
  const { place } = makeCluster({
    nodes: [makeNode('a'), makeNode('b')],
    pods: [makePod('there', { node: 'b', namespace: 'one', labels: web }), makePod('decoy', { node: 'a', namespace: 'two', labels: web })],
    namespaces: [
      { metadata: { name: 'one', labels: { team: 'a' } }, spec: {} },
      { metadata: { name: 'two' }, spec: {} },
    ],
  });
  assert.equal(place(makePod('p', { spec: { containers: [{ name: 'c' }], affinity } })), 'b');
});

test('hard spread constraints bound the skew between domains', () => {
  const spec = {
    containers: [{ name: 'c' }],
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } }],
  };
  const nodes = [makeNode('a', { labels: { [zone]: 'east' } }), makeNode('b', { labels: { [zone]: 'west' } }), makeNode('nowhere')];
  const pods = [makePod('1', { node: 'a', labels: web }), makePod('other', { node: 'b' })];
  assert.equal(makeCluster({ nodes, pods }).place(makePod('p', { labels: web, spec })), 'b');
  assert.equal(
    makeCluster({ nodes: [nodes[0]!, makeNode('b', { cpu: '0', labels: { [zone]: 'west' }, spec: { unschedulable: true } }), nodes[2]!], pods }).place(
      makePod('p', { labels: web, spec }),
    ),
    "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label), 1 node(s) were unschedulable.",
  );
});

const claim = (name: string, more: Partial<PersistentVolumeClaim['spec']> = {}, bound = false): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default', ...(bound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}) },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'local', ...more },
});
const volume = (name: string, node?: string, more: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    storageClassName: 'local',
    ...(node
      ? { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } } }
      : {}),
    ...more,
  },
  status: { phase: 'Available' },
});
const waits: StorageClass = { metadata: { name: 'local' }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' };
const using = (name: string) => ({ spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }] } });

test('a pod with a claim goes where its volume is, or can be', () => {
  const nodes = [makeNode('a'), makeNode('b')];
  const bound = makeCluster({ nodes, claims: [claim('c', { volumeName: 'pv' }, true)], volumes: [volume('pv', 'b')] });
  assert.equal(bound.place(makePod('p', using('c'))), 'b');
  const waiting = makeCluster({ nodes, claims: [claim('c')], volumes: [volume('pv', 'b')], storageClasses: [waits] });
  assert.equal(waiting.place(makePod('p', using('c'))), 'b');
  const none = makeCluster({ nodes, claims: [claim('c')], storageClasses: [waits] });
  assert.equal(none.place(makePod('p', using('c'))), "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
  const provisioned = makeCluster({ nodes, claims: [claim('c')], storageClasses: [{ ...waits, provisioner: 'knarr.dev/local' }] });
  assert.match(provisioned.place(makePod('p', using('c'))), /^[ab]$/);
});

test('a claim that is not there, or not bound yet, is named once for all nodes', () => {
  const nodes = [makeNode('a'), makeNode('b')];
  assert.equal(makeCluster({ nodes }).place(makePod('p', using('c'))), '0/2 nodes are available: persistentvolumeclaim "c" not found.');
  assert.equal(
    makeCluster({ nodes, claims: [claim('c')], storageClasses: [{ ...waits, volumeBindingMode: 'Immediate' }] }).place(makePod('p', using('c'))),
    '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
  );
});

test('a ReadWriteOncePod claim has one user', () => {
  const { place } = makeCluster({
    nodes: [makeNode('a'), makeNode('b')],
    claims: [claim('c', { volumeName: 'pv', accessModes: ['ReadWriteOncePod'] }, true)],
    volumes: [volume('pv')],
    pods: [makePod('there', { node: 'a', ...using('c'), ...{ spec: { ...using('c').spec, nodeName: 'a' } } })],
  });
  assert.equal(
    place(makePod('p', using('c'))),
    '0/2 nodes are available: 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.',
  );
});
