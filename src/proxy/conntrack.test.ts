import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import { staleEntries } from './conntrack.ts';
import { emptyFragment, type Fragment, fragmentOf } from './fragment.ts';

const service = (spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'dns', namespace: 'default' },
  spec: { clusterIP: '10.96.0.9', ports: [{ port: 80, protocol: 'UDP', ...(spec.type === 'NodePort' ? { nodePort: 30080 } : {}) }], ...spec },
});

interface Place {
  ip: string;
  node?: string;
  draining?: boolean;
}

const slice = (places: Place[], port: number): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'dns-1', namespace: 'default' },
  addressType: 'IPv4',
  ports: [{ port, protocol: 'UDP' }],
  endpoints: places.map(({ ip, node = 'n1', draining = false }) => ({
    addresses: [ip],
    nodeName: node,
    conditions: draining ? { ready: false, serving: true, terminating: true } : { ready: true },
  })),
});

const fragment = (spec: Partial<Service['spec']>, places: Place[], port = 8080): Fragment =>
  fragmentOf(service(spec), [slice(places, port)], { node: { name: 'n1' }, family: 'IPv4', clusterCidr: '10.244.0.0/16' });
const calls = (from: Fragment, to: Fragment): string[] => staleEntries(from, to).map((words) => words.join(' '));

test('entries to an endpoint that is gone are deleted, and so are those to a port that is gone', () => {
  const both = fragment({ type: 'NodePort' }, [{ ip: '10.244.1.5' }, { ip: '10.244.1.6' }]);
  assert.deepEqual(calls(both, fragment({ type: 'NodePort' }, [{ ip: '10.244.1.6' }])), [
    '-D -p udp --orig-dst 10.96.0.9 --dst-nat 10.244.1.5 --reply-port-src 8080',
    '-D -p udp --dport 30080 --dst-nat 10.244.1.5 --reply-port-src 8080',
  ]);
  const one = [{ ip: '10.244.1.5' }];
  assert.deepEqual(calls(fragment({}, one), fragment({}, one, 9090)), ['-D -p udp --orig-dst 10.96.0.9 --dst-nat 10.244.1.5 --reply-port-src 8080']);
  assert.deepEqual(calls(both, both), []);
});

test('entries of before the first endpoint are deleted', () => {
  const first = fragment({ type: 'NodePort' }, [{ ip: '10.244.1.5' }]);
  const wanted = ['-D -p udp --orig-dst 10.96.0.9 --dport 80', '-D -p udp --dport 30080'];
  assert.deepEqual(calls(emptyFragment, first), wanted);
  assert.deepEqual(calls(fragment({ type: 'NodePort' }, []), first), wanted);
});

test('an endpoint that drains is sent to under a local policy, and forgotten when it has gone', () => {
  const spec: Partial<Service['spec']> = { internalTrafficPolicy: 'Local' };
  const elsewhere = { ip: '10.244.2.5', node: 'n2' };
  const draining = fragment(spec, [{ ip: '10.244.1.5', draining: true }, elsewhere]);
  assert.deepEqual(calls(fragment(spec, [{ ip: '10.244.1.5' }, elsewhere]), draining), []);
  const gone = fragment(spec, [elsewhere]);
  assert.deepEqual(calls(draining, gone), ['-D -p udp --orig-dst 10.96.0.9 --dst-nat 10.244.1.5 --reply-port-src 8080']);
  assert.deepEqual(calls(gone, fragment(spec, [{ ip: '10.244.1.7' }, elsewhere])), ['-D -p udp --orig-dst 10.96.0.9 --dport 80']);
});
