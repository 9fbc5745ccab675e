import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../../api/core/v1/types.gen.ts';
import { container, pod } from '../testing/pods.ts';
import { admitPod, resizeRefusal } from './admit.ts';
import { preemptionVictims } from './preempt.ts';

const node: Node = { metadata: { name: 'n1', labels: { zone: 'a' } }, spec: {}, status: { allocatable: { cpu: '2', memory: '1Gi', pods: '2' } } };
const admit = (of: Pod, more: Partial<Parameters<typeof admitPod>[0]> = {}) =>
  admitPod({ pod: of, node, others: [], allowedUnsafeSysctls: [], supplementalGroupsPolicy: false, appArmor: false, ...more });
const asking = (cpu: string) => pod({ containers: [container('main', { resources: { requests: { cpu } } })] });

test('a pod that fits is taken', () => assert.equal(admit(asking('2')), undefined));

test('a pod for which something is missing is refused with the amount', () => {
  assert.deepEqual(admit(asking('1500m'), { others: [asking('600m')] }), {
    reason: 'OutOfcpu',
    message: "Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000",
  });
  assert.equal(admit(pod(), { others: [pod(), pod()] })?.reason, 'OutOfpods');
});

test('a pod for other nodes is refused', () => {
  assert.deepEqual(admit(pod({ nodeSelector: { zone: 'b' } })), {
    reason: 'NodeAffinity',
    message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  });
  const affinity = (operator: string, values: string[]) => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator, values }] }] } },
  });
  assert.equal(admit(pod({ affinity: affinity('In', ['a', 'b']) })), undefined);
  assert.equal(admit(pod({ affinity: affinity('NotIn', ['a']) }))?.reason, 'NodeAffinity');
});

test('a port of the node is given once per address and protocol', () => {
  const port = (hostIP: string, protocol = 'TCP') =>
    pod({ containers: [container('main', { ports: [{ containerPort: 80, hostPort: 8080, hostIP, protocol }] })] });
  assert.equal(admit(port('127.0.0.1'), { others: [port('')] })?.reason, 'NodePorts');
  assert.equal(admit(port('127.0.0.1'), { others: [port('127.0.0.2')] }), undefined);
  assert.equal(admit(port('', 'UDP'), { others: [port('')] }), undefined);
});

test('NoExecute taints count, unless tolerated', () => {
  const tainted: Node = {
    ...node,
    spec: {
      taints: [
        { key: 'gpu', effect: 'NoExecute' },
        { key: 'x', effect: 'NoSchedule' },
      ],
    },
  };
  assert.equal(admit(pod(), { node: tainted })?.reason, 'TaintToleration');
  assert.equal(admit(pod({ tolerations: [{ key: 'gpu', operator: 'Exists' }] }), { node: tainted }), undefined);
});

test('sysctls are safe ones, or allowed by the node', () => {
  const setting = (name: string) => pod({ securityContext: { sysctls: [{ name, value: '1' }] } });
  assert.equal(admit(setting('kernel.shm_rmid_forced')), undefined);
  assert.deepEqual(admit(setting('kernel.msgmax')), { reason: 'SysctlForbidden', message: 'forbidden sysctl: "kernel.msgmax" not allowlisted' });
  assert.equal(admit(setting('kernel.msgmax'), { allowedUnsafeSysctls: ['kernel.msg*'] }), undefined);
});

test('profiles need a kernel that enforces them', () => {
  const confined = pod({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } });
  assert.equal(admit(confined)?.message, 'Cannot enforce AppArmor: AppArmor is not enabled on the host');
  assert.equal(admit(confined, { appArmor: true }), undefined);
});

test('a resize waits for others, or can never be', () => {
  assert.equal(resizeRefusal(asking('1'), node, [asking('1')]), undefined);
  assert.equal(resizeRefusal(asking('1500m'), node, [asking('1')])?.reason, 'Deferred');
  assert.deepEqual(resizeRefusal(asking('3'), node, []), {
    reason: 'Infeasible',
    message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
  });
});

test('a critical pod has as few others ended as it needs', () => {
  const asking = (name: string, cpu: string, spec: Partial<Pod['spec']> = {}): Pod =>
    pod({ containers: [container('c', { resources: { requests: { cpu } } })], ...spec }, { name, uid: name });
  const small: Node = { ...node, status: { allocatable: { cpu: '2', pods: '10' } } };
  const critical = asking('critical', '1500m', { priority: 2_000_000_000 });
  const others = [asking('a', '300m'), asking('b', '1200m'), asking('c', '500m', { priority: 2_000_000_000 })];
  const names = (victims: Pod[] | undefined) => victims?.map(({ metadata }) => metadata.name);
  assert.deepEqual(names(preemptionVictims(critical, small, others)), ['a', 'b']);
  assert.deepEqual(names(preemptionVictims(asking('x', '1', { priority: 2_000_000_000 }), small, others)), ['b']);
  assert.equal(preemptionVictims(asking('big', '1800m', { priority: 2_000_000_000 }), small, others), undefined, 'that would not help');
  assert.equal(preemptionVictims(asking('plain', '1500m', { priority: 5 }), small, others), undefined);
  const fixed = asking('static', '1500m');
  fixed.metadata.annotations = { 'kubernetes.io/config.source': 'file' };
  assert.deepEqual(names(preemptionVictims(fixed, small, others)), ['a', 'b'], 'a static pod is critical');
});
