import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceClass, DeviceRequest, ResourceClaim, ResourceSlice } from '../../api/resource/v1/types.gen.ts';
import { makeCluster, makeNode, makePod } from '../testing/cluster.ts';
import { allocate } from './allocate.ts';
import { createPoolFinder } from './pools.ts';

const driver = 'gpu.example.com';
const gpu = (name: string, model: string, memory: string) => ({
  name,
  attributes: { model: { string: model }, 'numa.example.com/node': { int: name.endsWith('0') ? 0 : 1 }, driverVersion: { version: '1.2.3' } },
  capacity: { memory: { value: memory } },
});
const slice = (node: string, ...devices: ReturnType<typeof gpu>[]): ResourceSlice => ({
  metadata: { name: `${node}-slice` },
  spec: { driver, nodeName: node, pool: { name: node, generation: 1, resourceSliceCount: 1 }, devices },
});
const gpuClass: DeviceClass = { metadata: { name: 'gpu' }, spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] } };
const claim = (name: string, requests: DeviceRequest[], more: Partial<ResourceClaim> = {}, constraints?: { matchAttribute: string }[]): ResourceClaim => ({
  metadata: { name, namespace: 'default' },
  spec: { devices: { requests, ...(constraints ? { constraints } : {}) } },
  ...more,
});
const request = (name: string, more: Partial<NonNullable<DeviceRequest['exactly']>> = {}): DeviceRequest => ({
  name,
  exactly: { deviceClassName: 'gpu', ...more },
});
const slices = [
  slice('a', gpu('gpu-0', 'small', '16Gi'), gpu('gpu-1', 'large', '80Gi'), gpu('gpu-10', 'large', '80Gi')),
  slice('b', gpu('gpu-0', 'small', '16Gi')),
];

const choose = (requests: DeviceRequest[], { node = 'a', taken = [] as string[], constraints = undefined as { matchAttribute: string }[] | undefined } = {}) =>
  allocate({
    claims: [claim('c', requests, {}, constraints)],
    pools: createPoolFinder(slices, (id) => taken.includes(id))({ name: node, labels: {} }),
    taken: { whole: new Set(taken), parts: new Map() },
    deviceClass: (name) => (name === 'gpu' ? gpuClass : undefined),
  })?.[0]?.devices?.results?.map(({ request: of, device }) => `${of}=${device}`);

test('selectors look at attributes, capacities and versions', () => {
  const where = (expression: string) => choose([request('r', { selectors: [{ cel: { expression } }] })]);
  assert.deepEqual(where(`device.attributes["${driver}"].model == "large"`), ['r=gpu-1']);
  assert.deepEqual(where(`device.capacity["${driver}"].memory.compareTo(quantity("40Gi")) > 0`), ['r=gpu-1']);
  assert.deepEqual(where(`device.attributes["${driver}"].driverVersion.isGreaterThan(semver("1.0.0"))`), ['r=gpu-0']);
  assert.equal(where('"x" in device.attributes["other.example.com"]'), undefined);
});

test('what others have is not given again, and all means all', () => {
  assert.deepEqual(choose([request('r', { count: 2 })], { taken: [`${driver}/a/gpu-0`] }), ['r=gpu-1', 'r=gpu-10']);
  assert.equal(choose([request('r', { count: 4 })]), undefined);
  assert.deepEqual(choose([request('r', { allocationMode: 'All' })], { node: 'b' }), ['r=gpu-0']);
  assert.equal(choose([request('r', { allocationMode: 'All' })], { taken: [`${driver}/a/gpu-0`] }), undefined);
});

test('a constraint is met even if the first choice does not lead there', () => {
  const large = { selectors: [{ cel: { expression: `device.attributes["${driver}"].model == "large"` } }] };
  const constraints = [{ matchAttribute: 'numa.example.com/node' }];
  assert.deepEqual(choose([request('any'), request('large', large)], { constraints }), ['any=gpu-0', 'large=gpu-10']);
});

test('of alternatives the first that can be had is taken', () => {
  const wish = (name: string, expression: string) => ({ name, deviceClassName: 'gpu', selectors: [{ cel: { expression } }] });
  const alternatives = [wish('huge', `device.attributes["${driver}"].model == "huge"`), wish('large', `device.attributes["${driver}"].model == "large"`)];
  assert.deepEqual(choose([{ name: 'r', firstAvailable: alternatives }]), ['r/large=gpu-1']);
});

test('a search that takes too long is given up', () => {
  const devices = Array.from({ length: 26 }, (_, index) => gpu(`gpu-${index}`, 'small', '1Gi'));
  const constraints = [{ matchAttribute: 'numa.example.com/node' }];
  const search = (): unknown =>
    allocate({
      claims: [claim('c', [request('r', { count: 12 }), request('s', { count: 13 }), request('t', { count: 2 })], {}, constraints)],
      pools: createPoolFinder([slice('a', ...devices)], () => false)({ name: 'a', labels: {} }),
      taken: { whole: new Set(), parts: new Map() },
      deviceClass: () => gpuClass,
      timeoutMs: 1,
    });
  assert.throws(search, /^Error: timed out trying to allocate devices$/);
});

test('devices of a pool that is not complete do not count', () => {
  const half = slice('c', gpu('gpu-0', 'small', '1Gi'));
  half.spec.pool.resourceSliceCount = 2;
  assert.deepEqual(createPoolFinder([half], () => false)({ name: 'c', labels: {} }), [{ id: `${driver}/c`, incomplete: true, devices: [], binds: false }]);
});

test('a pod goes where its claim is, or can be, satisfied', () => {
  const nodes = [makeNode('a'), makeNode('b'), makeNode('none')];
  const uses = (name: string) => makePod(`uses-${name}`, { spec: { containers: [{ name: 'c' }], resourceClaims: [{ name: 'gpu', resourceClaimName: name }] } });
  const has = { status: { allocation: { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] } } } };
  const { place } = makeCluster({
    nodes,
    resourceSlices: slices,
    deviceClasses: [gpuClass],
    resourceClaims: [claim('three', [request('r', { count: 3 })]), claim('given', [request('r')], has), claim('many', [request('r', { count: 9 })])],
  });
  assert.equal(place(uses('three')), 'a');
  assert.equal(place(uses('given')), 'b');
  assert.equal(place(uses('many')), '0/3 nodes are available: 3 cannot allocate all claims.');
  assert.equal(place(uses('missing')), '0/3 nodes are available: resourceclaim.resource.k8s.io "missing" not found.');
});
