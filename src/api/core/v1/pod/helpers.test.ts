import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatQuantity } from '../../../../apimachinery/quantity.ts';
import { container, pod } from '../../../testing/pods.ts';
import type { Container, Pod } from '../types.gen.ts';
import { computePodQOS, isPodAvailable, podLimits, podRequests, setPodCondition } from './helpers.ts';

const formatted = (amounts: ReturnType<typeof podRequests>): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatQuantity(amount)]));

test('requests are the sum of containers and sidecars, or the peak of init containers', () => {
  const asks = (name: string, cpu: string, over: Partial<Container> = {}): Container =>
    container({ name, resources: { requests: { cpu }, limits: { cpu } }, ...over });
  const made = pod({
    containers: [asks('a', '1'), asks('b', '500m')],
    initContainers: [asks('side', '200m', { restartPolicy: 'Always' }), asks('init', '3')],
    overhead: { cpu: '100m' },
  });
  assert.deepEqual(formatted(podRequests(made)), { cpu: '3300m' });
  assert.deepEqual(formatted(podRequests(made, { excludeOverhead: true })), { cpu: '3200m' });
  assert.deepEqual(formatted(podLimits(made)), { cpu: '3300m' });
  assert.deepEqual(formatted(podRequests({ ...made, spec: { ...made.spec, resources: { requests: { cpu: '4' } } } })), { cpu: '4100m' });
  assert.deepEqual(formatted(podRequests(pod(), { nonMissingContainerRequests: { cpu: '100m' } })), { cpu: '100m' });
});

test('a resize under way counts for the larger of wish and reality', () => {
  const made = pod({ containers: [container({ resources: { requests: { cpu: '1' } } })] });
  made.status = {
    containerStatuses: [
      { name: 'c', image: '', imageID: '', ready: true, restartCount: 0, resources: { requests: { cpu: '3' } }, allocatedResources: { cpu: '2' } },
    ],
  };
  assert.deepEqual(formatted(podRequests(made, { useStatusResources: true })), { cpu: '3' });
  made.spec.containers[0]!.resources = { requests: { cpu: '9' } };
  made.status.conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }];
  assert.deepEqual(formatted(podRequests(made, { useStatusResources: true })), { cpu: '3' });
});

test('the QoS class follows requests and limits', () => {
  const of = (resources: Container['resources']): string => computePodQOS(pod({ containers: [container(resources ? { resources } : {})] }));
  assert.equal(of(undefined), 'BestEffort');
  assert.equal(of({ requests: { cpu: '1' } }), 'Burstable');
  assert.equal(of({ requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } }), 'Guaranteed');
  assert.equal(of({ requests: { cpu: '1', memory: '1' }, limits: { cpu: '2', memory: '1' } }), 'Burstable');
  assert.equal(computePodQOS(pod({ resources: { requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } } })), 'Guaranteed');
});

test('a pod is available once it was ready long enough', () => {
  const status: Pod['status'] = {};
  assert.equal(setPodCondition(status, { type: 'Ready', status: 'True' }, new Date('2026-01-01T00:00:00Z')), true);
  assert.equal(setPodCondition(status, { type: 'Ready', status: 'True' }, new Date('2026-01-01T00:00:05Z')), false);
  const made = { ...pod(), status };
  assert.equal(isPodAvailable(made, 10, new Date('2026-01-01T00:00:09Z')), false);
  assert.equal(isPodAvailable(made, 10, new Date('2026-01-01T00:00:10Z')), true);
});
