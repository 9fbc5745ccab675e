import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import { chooseEndpoints, endpointsOf } from './endpoints.ts';

const here = { name: 'a', zone: 'z1' };
const service = (spec: Partial<Service['spec']> = {}): Service => ({ metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.0.9', ...spec } });
type EndpointShape = NonNullable<EndpointSlice['endpoints']>[number];
const slice = (endpoints: EndpointShape[]): EndpointSlice => ({
  metadata: { name: 'web-1', namespace: 'shop' },
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
});
const choose = (endpoints: EndpointShape[], spec: Partial<Service['spec']> = {}) =>
  chooseEndpoints(endpointsOf([slice(endpoints)], 'http', 'TCP', 'IPv4', here), service(spec), here);
const ips = (endpoints: readonly { ip: string }[]): string[] => endpoints.map(({ ip }) => ip);

test('only ready endpoints get traffic', () => {
  const choice = choose([
    { addresses: ['10.0.0.1'], conditions: { ready: true } },
    { addresses: ['10.0.0.2'], conditions: { ready: false } },
  ]);
  assert.deepEqual(ips(choice.cluster), ['10.0.0.1']);
});

test('endpoints that terminate but still serve are used when no other is left', () => {
  const draining = { addresses: ['10.0.0.2'], conditions: { ready: false, serving: true, terminating: true } };
  assert.deepEqual(ips(choose([draining]).cluster), ['10.0.0.2']);
  assert.deepEqual(ips(choose([draining, { addresses: ['10.0.0.1'], conditions: { ready: true } }]).cluster), ['10.0.0.1']);
});

test('a Local policy keeps to this node', () => {
  const choice = choose([
    { addresses: ['10.0.0.1'], nodeName: 'a' },
    { addresses: ['10.0.0.2'], nodeName: 'b' },
  ]);
  assert.deepEqual(ips(choice.local), ['10.0.0.1']);
  assert.deepEqual(ips(choice.cluster), ['10.0.0.1', '10.0.0.2']);
});

test('topology hints are followed only where the service asks for it and every endpoint has one', () => {
  const near = { addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'z1' }] } };
  const far = { addresses: ['10.0.0.2'], hints: { forZones: [{ name: 'z2' }] } };
  assert.deepEqual(ips(choose([near, far]).cluster), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(ips(choose([near, far], { trafficDistribution: 'PreferSameZone' }).cluster), ['10.0.0.1']);
  assert.deepEqual(ips(choose([near, { addresses: ['10.0.0.3'] }], { trafficDistribution: 'PreferSameZone' }).cluster), ['10.0.0.1', '10.0.0.3']);
  assert.deepEqual(ips(choose([far], { trafficDistribution: 'PreferSameZone' }).cluster), ['10.0.0.2']);
});

test('an endpoint that is in two slices counts once', () => {
  const both = [slice([{ addresses: ['10.0.0.1'], conditions: { ready: false } }]), slice([{ addresses: ['10.0.0.1'], conditions: { ready: true } }])];
  assert.deepEqual(
    endpointsOf(both, 'http', 'TCP', 'IPv4', here).map(({ ip, ready }) => ({ ip, ready })),
    [{ ip: '10.0.0.1', ready: true }],
  );
});
