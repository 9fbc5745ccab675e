import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodesToFind } from './framework/decide.ts';
import { makeCluster, makeNode, makePod } from './testing/cluster.ts';

const web = { app: 'web' };
const zone = 'topology.kubernetes.io/zone';

test('the emptier node wins', () => {
  const { place } = makeCluster({ nodes: [makeNode('full'), makeNode('empty')], pods: [makePod('there', { node: 'full', cpu: '3', memory: '6Gi' })] });
  assert.equal(place(makePod('p', { cpu: '100m', memory: '100Mi' })), 'empty');
});

test('preferred node affinity outweighs emptiness', () => {
  const affinity = {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } }],
    },
  };
  const { place } = makeCluster({
    nodes: [makeNode('empty'), makeNode('ssd', { labels: { disk: 'ssd' } })],
    pods: [makePod('there', { node: 'ssd', cpu: '1' })],
  });
  assert.equal(place(makePod('p', { spec: { containers: [{ name: 'c' }], affinity } })), 'ssd');
});

test('PreferNoSchedule is avoided, not forbidden', () => {
  const soft = { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] };
  assert.equal(makeCluster({ nodes: [makeNode('soft', { spec: soft }), makeNode('plain')] }).place(makePod('p')), 'plain');
  assert.equal(makeCluster({ nodes: [makeNode('soft', { spec: soft })] }).place(makePod('p')), 'soft');
});

test('pods of a service spread over hosts and zones without being told', () => {
  const nodes = ['a', 'b', 'c'].map((name) => makeNode(name, { labels: { [zone]: name === 'c' ? 'west' : 'east' } }));
  const pods = [makePod('1', { node: 'a', labels: web }), makePod('2', { node: 'b', labels: web })];
  const services = [{ metadata: { name: 'web', namespace: 'default' }, spec: { selector: web } }];
  assert.equal(makeCluster({ nodes, pods, services }).place(makePod('p', { labels: web })), 'c');
});

test('preferred affinity draws, preferred anti-affinity repels', () => {
  const term = { weight: 100, podAffinityTerm: { labelSelector: { matchLabels: web }, topologyKey: 'kubernetes.io/hostname' } };
  const cluster = makeCluster({ nodes: [makeNode('a'), makeNode('b')], pods: [makePod('there', { node: 'a', labels: web, cpu: '100m' })] });
  const near = { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [term] } };
  const far = { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [term] } };
  assert.equal(cluster.place(makePod('p', { spec: { containers: [{ name: 'c' }], affinity: near } })), 'a');
  assert.equal(cluster.place(makePod('p', { spec: { containers: [{ name: 'c' }], affinity: far } })), 'b');
});

test('a node that has a large image is preferred', () => {
  const images = [{ names: ['app:1'], sizeBytes: 900 * 1024 * 1024 }];
  const nodes = [makeNode('bare'), makeNode('has', { status: { images } }), makeNode('too', { status: { images } })];
  assert.notEqual(makeCluster({ nodes }).place(makePod('p')), 'bare');
});

test('in a large cluster a part of the nodes is enough', () => {
  assert.deepEqual(
    [50, 100, 1000, 5000, 10000].map((count) => nodesToFind(count)),
    [50, 100, 420, 500, 500],
  );
});
