import assert from 'node:assert/strict';
import test from 'node:test';
import type { KindDefinition } from '../../../kind.ts';
import type { PersistentVolumeClaim, Pod, ResourceQuota, ScopedResourceSelectorRequirement } from '../types.gen.ts';
import { listOf } from './amounts.ts';
import { claimQuota } from './claims.ts';
import { podQuota } from './pods.ts';
import { type QuotaEvaluator, quotaApplies, quotaEvaluatorFor } from './quota.ts';
import { serviceQuota } from './services.ts';

const now = new Date('2026-01-01T00:00:00Z');
const metadata = { name: 'x', namespace: 'ns' };
const pod = (spec: Partial<Pod['spec']> = {}, more: Partial<Pod> = {}): Pod => ({ metadata, spec: { containers: [{ name: 'main' }], ...spec }, ...more });
const scope = (scopeName: string, operator = 'Exists', ...values: string[]): ScopedResourceSelectorRequirement => ({
  scopeName,
  operator,
  ...(values.length > 0 ? { values } : {}),
});
const quota = (hard: string, ...matchExpressions: ScopedResourceSelectorRequirement[]): ResourceQuota => ({
  metadata,
  spec: { scopeSelector: { matchExpressions } },
  status: { hard: { [hard]: '1' } },
});

const term = { topologyKey: 'zone' };
const near = (more: object): Pod => pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, ...more }] } } });
const away = (more: object): Pod =>
  pod({ affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { ...term, ...more } }] } } });

test('scopes select pods', () => {
  const cases: [ScopedResourceSelectorRequirement, Pod, boolean][] = [
    [scope('Terminating'), pod({ activeDeadlineSeconds: 0 }), true],
    [scope('Terminating'), pod(), false],
    [scope('NotTerminating'), pod(), true],
    [scope('BestEffort'), pod(), true],
    [scope('NotBestEffort'), pod({ containers: [{ name: 'main', resources: { limits: { cpu: '1' } } }] }), true],
    [scope('PriorityClass'), pod(), false],
    [scope('PriorityClass'), pod({ priorityClassName: 'high' }), true],
    [scope('PriorityClass', 'DoesNotExist'), pod(), true],
    [scope('PriorityClass', 'In', 'high', 'low'), pod({ priorityClassName: 'low' }), true],
    [scope('PriorityClass', 'In', 'high'), pod(), false],
    [scope('PriorityClass', 'NotIn', 'high'), pod(), true],
    [scope('PriorityClass', 'NotIn', 'high'), pod({ priorityClassName: 'high' }), false],
    [scope('CrossNamespacePodAffinity'), pod(), false],
    [scope('CrossNamespacePodAffinity'), near({}), false],
    [scope('CrossNamespacePodAffinity'), near({ namespaces: [] }), false],
    [scope('CrossNamespacePodAffinity'), near({ namespaces: ['other'] }), true],
    [scope('CrossNamespacePodAffinity'), near({ namespaceSelector: {} }), true],
    [scope('CrossNamespacePodAffinity'), away({ namespaces: ['ns'] }), true],
    [scope('VolumeAttributesClass'), pod(), false],
  ];
  for (const [selector, object, expected] of cases)
    assert.equal(quotaApplies(quota('pods', selector), object, podQuota), expected, JSON.stringify([selector, object.spec]));
  assert.equal(quotaApplies(quota('pods', scope('NotTerminating'), scope('BestEffort')), pod(), podQuota), true, 'all of several scopes');
  assert.equal(quotaApplies(quota('services'), pod(), podQuota), false, 'of what it does not count');
});

test('the scope of volume attributes classes selects claims by any class that they have, get, or had asked for', () => {
  const claim = (spec: object, status?: object): PersistentVolumeClaim => ({ metadata, spec, ...(status ? { status } : {}) }) as PersistentVolumeClaim;
  const gold = claim({ volumeAttributesClassName: 'gold' });
  const changing = claim(
    { volumeAttributesClassName: 'gold' },
    { currentVolumeAttributesClassName: 'silver', modifyVolumeStatus: { targetVolumeAttributesClassName: 'gold', status: 'InProgress' } },
  );
  const cases: [ScopedResourceSelectorRequirement, PersistentVolumeClaim, boolean][] = [
    [scope('VolumeAttributesClass'), claim({}), false],
    [scope('VolumeAttributesClass'), gold, true],
    [scope('VolumeAttributesClass', 'DoesNotExist'), claim({}), true],
    [scope('VolumeAttributesClass', 'In', 'silver'), gold, false],
    [scope('VolumeAttributesClass', 'In', 'silver'), changing, true],
    [scope('VolumeAttributesClass', 'NotIn', 'gold'), changing, true],
    [scope('VolumeAttributesClass', 'NotIn', 'gold'), gold, false],
    [scope('PriorityClass'), gold, false],
  ];
  for (const [selector, object, expected] of cases)
    assert.equal(quotaApplies(quota('persistentvolumeclaims', selector), object, claimQuota), expected, JSON.stringify([selector, object]));
});

test('what objects use', () => {
  const used = <T extends Pod>(evaluator: QuotaEvaluator<T>, object: T): Record<string, string> => listOf(evaluator.usage(object, now));
  const resources = { requests: { cpu: '1', 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi' }, limits: { cpu: '2' } };
  assert.deepEqual(used(podQuota, pod({ containers: [{ name: 'main', resources }] })), {
    'count/pods': '1',
    pods: '1',
    cpu: '1',
    'requests.cpu': '1',
    'limits.cpu': '2',
    'requests.example.com/gpu': '2',
    'hugepages-2Mi': '4Mi',
    'requests.hugepages-2Mi': '4Mi',
  });
  assert.deepEqual(used(podQuota, pod({}, { status: { phase: 'Succeeded' } })), { 'count/pods': '1' }, 'an ended pod');
  const stuck = { ...metadata, deletionTimestamp: '2025-12-31T23:59:00Z', deletionGracePeriodSeconds: 30 };
  assert.deepEqual(used(podQuota, pod({}, { metadata: stuck })), { 'count/pods': '1' }, 'one that should have been gone');

  const ports = [{ port: 80 }, { port: 81, nodePort: 30_081 }];
  const service = (spec: object) => listOf(serviceQuota.usage({ metadata, spec: { ports, ...spec } }, now));
  const one = { 'count/services': '1', services: '1' };
  assert.deepEqual(service({ type: 'ClusterIP' }), { ...one, 'services.nodeports': '0', 'services.loadbalancers': '0' });
  assert.deepEqual(service({ type: 'NodePort' }), { ...one, 'services.nodeports': '2', 'services.loadbalancers': '0' });
  assert.deepEqual(service({ type: 'LoadBalancer' }), { ...one, 'services.nodeports': '2', 'services.loadbalancers': '1' });
  assert.deepEqual(service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }), {
    ...one,
    'services.nodeports': '1',
    'services.loadbalancers': '1',
  });

  const widgets: KindDefinition = {
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    singular: '',
    namespaced: true,
    verbs: [],
    schema: '',
  };
  assert.deepEqual(listOf(quotaEvaluatorFor(widgets)!.usage({ metadata }, now)), { 'count/widgets.example.com': '1' });
  assert.equal(quotaEvaluatorFor({ ...widgets, namespaced: false }), undefined);
});
