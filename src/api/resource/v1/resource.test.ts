/** Claims, classes and slices of devices: their rules, and what v1beta1 makes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Any, changeProblems, created, problems } from '../../testing/validate.ts';
import { resourceclaims as oldClaims } from '../v1beta1/resourceclaim.ts';
import { resourceslices as oldSlices } from '../v1beta1/resourceslice.ts';
import { deviceclasses } from './deviceclass.ts';
import { resourceclaims } from './resourceclaim.ts';
import { resourceclaimtemplates } from './resourceclaimtemplate.ts';
import { resourceslices } from './resourceslice.ts';

const claim = (requests: unknown[] = [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }], more = {}) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name: 'claim', namespace: 'default' },
  spec: { devices: { requests, ...more } },
});

test('a request for devices means exactly one', () => {
  assert.deepEqual(created(resourceclaims, claim()).spec.devices.requests[0].exactly, {
    deviceClassName: 'gpu.example.com',
    allocationMode: 'ExactCount',
    count: 1,
  });
  assert.deepEqual(problems(resourceclaims, claim()), []);
});

test('a claim names its requests, and what refers to them exists', () => {
  assert.deepEqual(problems(resourceclaims, claim([{ name: 'gpu' }])), [
    'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
  ]);
  const twice = [claim().spec.devices.requests[0], claim().spec.devices.requests[0]];
  assert.deepEqual(problems(resourceclaims, claim(twice)), ['spec.devices.requests[1]: Duplicate value: "gpu"']);
  const constraint = { requests: ['gpu', 'other'], matchAttribute: 'numa' };
  assert.deepEqual(problems(resourceclaims, claim(undefined, { constraints: [constraint] })), [
    `spec.devices.constraints[0].requests[1]: Invalid value: "other": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
    'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
  ]);
});

test('amounts, selectors and parameters are checked', () => {
  const exactly = { deviceClassName: 'gpu.example.com', allocationMode: 'All', count: 2, selectors: [{ cel: { expression: 'device.driver ==' } }] };
  const [selector, count] = problems(resourceclaims, claim([{ name: 'gpu', exactly }]));
  assert.match(selector ?? '', /^spec.devices.requests\[0\].exactly.selectors\[0\].cel.expression: Invalid value: "device.driver ==": compilation failed/);
  assert.equal(count, "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'");
  const good = { expression: 'device.driver == "gpu.example.com" && device.attributes["gpu.example.com"].model == "a"' };
  assert.deepEqual(problems(resourceclaims, claim([{ name: 'gpu', exactly: { deviceClassName: 'a', selectors: [{ cel: good }] } }])), []);
  assert.deepEqual(problems(deviceclasses, { metadata: { name: 'c' }, spec: { config: [{ opaque: { driver: 'd', parameters: [] } }, {}] } }), [
    'spec.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
    'spec.config[1].opaque: Required value',
  ]);
});

test('the spec of a claim and of a template stays', () => {
  const [message] = changeProblems(resourceclaims, claim(), (object) => {
    object.spec.devices.requests[0].exactly.count = 2;
  });
  assert.match(message ?? '', /^spec: Invalid value: .*: field is immutable$/);
  const template = { metadata: { name: 't' }, spec: { metadata: { name: 'x', labels: { a: 'b' } }, spec: claim().spec } };
  assert.deepEqual(problems(resourceclaimtemplates, template), ['spec.metadata.name: Forbidden: cannot be set']);
});

const allocation = { devices: { results: [{ request: 'gpu', driver: 'gpu.example.com', pool: 'node1', device: 'gpu0' }] } };
const consumer = { resource: 'pods', name: 'pod', uid: 'abc' };

test('a claim is reserved when it is allocated, and tells only of its own devices', () => {
  const status = (change: Any['status']): string[] =>
    changeProblems(
      resourceclaims,
      claim(),
      (object) => {
        object.status = change;
      },
      'status',
    );
  assert.deepEqual(status({ allocation, reservedFor: [consumer] }), []);
  assert.deepEqual(status({ reservedFor: [consumer] }), ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set']);
  const device = { driver: 'gpu.example.com', pool: 'node1', device: 'gpu1', networkData: { ips: ['10.1.2.3/024'] } };
  assert.deepEqual(status({ allocation, devices: [device] }), [
    'status.devices[0]: Invalid value: "gpu.example.com/node1/gpu1": must be an allocated device in the claim',
    'status.devices[0].networkData.ips[0]: Invalid value: "10.1.2.3/024": must be in canonical form ("10.1.2.3/24")',
  ]);
});

const slice = (spec = {}) => ({
  metadata: { name: 'slice' },
  spec: { driver: 'gpu.example.com', nodeName: 'node1', pool: { name: 'node1', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'gpu0' }], ...spec },
});

test('a slice says where its devices are, once', () => {
  assert.deepEqual(problems(resourceslices, slice()), []);
  const oneOf = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  assert.deepEqual(problems(resourceslices, slice({ nodeName: null })), [`spec: Required value: ${oneOf}`]);
  assert.deepEqual(problems(resourceslices, slice({ allNodes: true })), [
    `spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${oneOf}, but multiple fields are set`,
  ]);
  const moved = changeProblems(resourceslices, slice(), ({ spec }) => {
    spec.nodeName = 'node2';
  });
  assert.deepEqual(moved, ['spec.nodeName: Invalid value: "node2": field is immutable']);
});

test('a device is described by attributes and capacities', () => {
  const devices = [
    { name: 'gpu0', attributes: { model: { string: 'a', int: 1 }, 'b/c': { version: '1.0' } }, capacity: { memory: { value: '1Gi', requestPolicy: {} } } },
  ];
  assert.deepEqual(problems(resourceslices, slice({ devices })), [
    'spec.devices[0].attributes[model]: Invalid value: {"IntValue":1,"BoolValue":null,"StringValue":"a","VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified',
    'spec.devices[0].attributes[b/c].version: Invalid value: "1.0": must be a string compatible with semver.org spec 2.0.0',
    'spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true',
  ]);
  const requestPolicy = { default: '1Gi', validRange: { min: '2Gi', max: '8Gi' } };
  const shared = [{ name: 'gpu0', allowMultipleAllocations: true, capacity: { memory: { value: '4Gi', requestPolicy } } }];
  const at = 'spec.devices[0].capacity[memory].requestPolicy.validRange';
  assert.deepEqual(problems(resourceslices, slice({ devices: shared })), [
    `${at}.min: Invalid value: "1Gi": default is less than min: 2Gi`,
    `${at}.max: Invalid value: "8Gi": max is larger than capacity value: 4Gi`,
  ]);
});

test('v1beta1 shows the same objects, flatter here and deeper there', () => {
  const hub = created(resourceclaims, claim());
  const old = oldClaims.conversion!.fromHub(structuredClone(hub)) as Any;
  assert.deepEqual(old.spec.devices.requests, [{ name: 'gpu', deviceClassName: 'gpu.example.com', allocationMode: 'ExactCount', count: 1 }]);
  assert.deepEqual(oldClaims.conversion!.toHub(old as never), hub);
  const devices = created(resourceslices, slice());
  const basic = oldSlices.conversion!.fromHub(structuredClone(devices)) as Any;
  assert.deepEqual(basic.spec.devices, [{ name: 'gpu0', basic: {} }]);
  assert.deepEqual(oldSlices.conversion!.toHub(basic as never), devices);
});
