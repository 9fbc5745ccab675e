import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells, context, created, createErrors, updateErrors } from '../../../testing/strategy.ts';
import { services } from '../service.ts';
import type { Service, ServiceSpec } from '../types.gen.ts';

const service = (spec: ServiceSpec = {}): Service => ({
  metadata: { name: 's', namespace: 'default', creationTimestamp: '2026-01-02T03:04:00Z' },
  spec: { ports: [{ port: 80 }], ...spec },
});

test("a minimal service gets upstream's defaults", () => {
  assert.deepEqual(created(services, service()).spec, {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    sessionAffinity: 'None',
    type: 'ClusterIP',
    internalTrafficPolicy: 'Cluster',
  });
  const { spec } = created(services, service({ type: 'LoadBalancer', sessionAffinity: 'ClientIP' }));
  assert.equal(spec?.allocateLoadBalancerNodePorts, true);
  assert.equal(spec?.externalTrafficPolicy, 'Cluster');
  assert.deepEqual(spec?.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } });
  assert.deepEqual(created(services, service({ clusterIP: 'None' })).spec?.clusterIPs, ['None']);
});

const bad: Record<string, [ServiceSpec, string[]]> = {
  'no ports': [{ ports: [] }, ['spec.ports: Required value']],
  'ports without names': [{ ports: [{ port: 80 }, { port: 81 }] }, ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']],
  'the same port twice': [
    {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 80 },
      ],
    },
    ['spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}'],
  ],
  'a bad port': [
    { ports: [{ port: 0, targetPort: 'Bad_', protocol: 'x' }] },
    [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"',
      'spec.ports[0].targetPort: Invalid value: "Bad_": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
  ],
  'a node port that it cannot have': [
    { ports: [{ port: 80, nodePort: 30000 }] },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  'a bad type': [{ type: 'x' }, ['spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
  'no external name': [{ type: 'ExternalName', ports: [] }, ['spec.externalName: Required value']],
  'a headless load balancer': [
    { type: 'LoadBalancer', clusterIP: 'None' },
    ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
  ],
  'addresses that contradict each other': [
    { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.2'], ipFamilies: ['IPv6'] },
    [
      'spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`',
      'spec.clusterIPs[0]: Invalid value: "10.0.0.2": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
  ],
  'two addresses of one family': [
    { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', '10.0.0.2'] },
    ['spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family'],
  ],
  'a local external address': [
    { externalIPs: ['127.0.0.1'], externalTrafficPolicy: 'x' },
    [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalTrafficPolicy: Unsupported value: "x": supported values: "Cluster", "Local"',
    ],
  ],
  'fields of another type': [
    { externalTrafficPolicy: 'Local', healthCheckNodePort: 30000, loadBalancerClass: 'a/b', loadBalancerSourceRanges: ['10.0.0.0/8'] },
    [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  'an unknown distribution': [
    { trafficDistribution: 'x' },
    ['spec.trafficDistribution: Unsupported value: "x": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"'],
  ],
};

for (const [name, [spec, messages]] of Object.entries(bad)) {
  test(`a service with ${name} is refused`, () => assert.deepEqual(createErrors(services, service(spec)), messages));
}

const allocated = (): Service => {
  const object = created(services, service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30000 }] }));
  Object.assign(object.spec!, { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  return object;
};

test('the same manifest, sent again, keeps what was allocated', () => {
  const object = service({ type: 'NodePort' });
  services.setDefaults?.(object);
  services.prepareForUpdate?.(object, allocated(), context());
  assert.equal(object.spec?.clusterIP, '10.0.0.1');
  assert.deepEqual(object.spec?.clusterIPs, ['10.0.0.1']);
  assert.equal(object.spec?.ports?.[0]?.nodePort, 30000);
});

test('another type drops what it cannot have', () => {
  const object = allocated();
  object.spec!.type = 'ClusterIP';
  services.prepareForUpdate?.(object, allocated(), context());
  assert.equal(object.spec?.ports?.[0]?.nodePort, undefined);
  assert.equal(object.spec?.externalTrafficPolicy, undefined);
  assert.equal(object.spec?.clusterIP, '10.0.0.1');
  const external = allocated();
  Object.assign(external.spec!, { type: 'ExternalName', externalName: 'a.b' });
  services.prepareForUpdate?.(external, allocated(), context());
  assert.equal(external.spec?.clusterIP, undefined);
  assert.equal(external.spec?.ipFamilies, undefined);
});

test("a service's address stays", () => {
  const errors = updateErrors(services, allocated(), ({ spec }) => {
    spec!.clusterIP = '10.0.0.2';
  });
  assert.deepEqual(errors, ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']);
});

test('a load balancer reports addresses with a mode', () => {
  const old = created(services, service({ type: 'LoadBalancer' }));
  const errors = updateErrors(
    services,
    old,
    (object) => {
      object.status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { ip: 'x' }, { hostname: '1.2.3.4' }] } };
    },
    'status',
  );
  assert.deepEqual(errors, [
    'status.loadBalancer.ingress[1].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'status.loadBalancer.ingress[2].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ]);
});

test('kubectl shows addresses and ports', () => {
  assert.deepEqual(cells(services, allocated()), ['s', 'NodePort', '10.0.0.1', '<none>', '80:30000/TCP', '5s', '<none>']);
  const balancer = created(services, service({ type: 'LoadBalancer', selector: { b: '2', a: '1' } }));
  assert.deepEqual(cells(services, balancer).slice(2), ['<none>', '<pending>', '80/TCP', '5s', 'a=1,b=2']);
});

test('what is ignored is warned about', () => {
  assert.deepEqual(
    services.warnings?.(created(services, service({ clusterIP: 'None', externalName: 'x', sessionAffinity: 'ClientIP' })), undefined, context()),
    ['spec.SessionAffinity is ignored for headless services', 'spec.externalName is ignored when spec.type is not "ExternalName"'],
  );
});
