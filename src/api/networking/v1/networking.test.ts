/** Policies, ingresses, and ranges of addresses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells } from '../../testing/strategy.ts';
import { changeProblems, created, problems } from '../../testing/validate.ts';
import { ingresses } from './ingress.ts';
import { ingressclasses } from './ingressclass.ts';
import { ipaddresses } from './ipaddress.ts';
import { networkpolicies } from './networkpolicy.ts';
import { servicecidrs } from './servicecidr.ts';

const policy = (spec: Record<string, unknown>) => ({ metadata: { name: 'p', namespace: 'default' }, spec: { podSelector: {}, ...spec } });

test('a policy is for what comes in, and for what goes out where it says so', () => {
  assert.deepEqual(created(networkpolicies, policy({})).spec.policyTypes, ['Ingress']);
  const both = created(networkpolicies, policy({ egress: [{ ports: [{ port: 53 }] }] })).spec;
  assert.deepEqual(both.policyTypes, ['Ingress', 'Egress']);
  assert.deepEqual(both.egress[0].ports, [{ port: 53, protocol: 'TCP' }]);
});

test('peers and ports of a policy are checked', () => {
  const ingress = [{ from: [{}, { ipBlock: { cidr: '10.0.0.0/8', except: ['192.168.0.0/16'] }, podSelector: {} }], ports: [{ port: 80, endPort: 70 }] }];
  assert.deepEqual(
    problems(networkpolicies, policy({ ingress })).sort(),
    [
      'spec.ingress[0].from[0]: Required value: must specify a peer',
      'spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer',
      'spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`',
      'spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "192.168.0.0/16": must be a strict subset of `cidr`',
    ].sort(),
  );
});

const ingress = (spec: Record<string, unknown>) => ({ metadata: { name: 'i', namespace: 'default' }, spec });
const backend = { service: { name: 'web', port: { number: 80 } } };

test('an ingress leads somewhere', () => {
  assert.deepEqual(problems(ingresses, ingress({})), ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']);
  assert.deepEqual(problems(ingresses, ingress({ rules: [{ host: 'foo.bar', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] })), []);
  assert.deepEqual(problems(ingresses, ingress({ rules: [{ host: '1.2.3.4', http: { paths: [{ path: 'x', pathType: 'Exact', backend: {} }] } }] })), [
    'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path',
    'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
  ]);
});

test('an ingress is listed with its hosts, address and ports', () => {
  const object = created(ingresses, ingress({ ingressClassName: 'nginx', rules: [{ host: 'a.b' }, { host: 'c.d' }], tls: [{ hosts: ['a.b'] }] }));
  object.status = { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } };
  assert.deepEqual(cells(ingresses, object as never).slice(0, 5), ['i', 'nginx', 'a.b,c.d', '10.0.0.1', '80, 443']);
});

test('the controller of an ingress class stays', () => {
  const value = { metadata: { name: 'nginx' }, spec: { controller: 'example.com/nginx' } };
  assert.deepEqual(problems(ingressclasses, value), []);
  const change = changeProblems(ingressclasses, value, ({ spec }) => {
    spec.controller = 'example.com/other';
  });
  assert.deepEqual(change, ['spec.controller: Invalid value: "example.com/other": field is immutable']);
});

test('a range of service addresses grows by the other family only', () => {
  const range = { metadata: { name: 'r' }, spec: { cidrs: ['10.0.0.0/24'] } };
  const changed = (cidrs: string[]): string[] =>
    changeProblems(servicecidrs, range, ({ spec }) => {
      spec.cidrs = cidrs;
    });
  assert.deepEqual(problems(servicecidrs, range), []);
  assert.deepEqual(changed(['10.0.0.0/24', 'fd00::/112']), []);
  assert.deepEqual(changed(['10.1.0.0/24']), ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']);
});

test('an address is named by itself and belongs to something', () => {
  const errors = problems(ipaddresses, { metadata: { name: '10.0.0.1' }, spec: {} });
  assert.deepEqual(errors, ['spec.parentRef: Required value']);
});
