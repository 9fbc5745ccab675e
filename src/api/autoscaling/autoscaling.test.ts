/** Autoscalers in both of their versions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Any, created, problems } from '../testing/validate.ts';
import { horizontalpodautoscalers as v1 } from './v1/horizontalpodautoscaler.ts';
import { horizontalpodautoscalers as v2 } from './v2/horizontalpodautoscaler.ts';

const autoscaler = (spec: Record<string, unknown> = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' }, maxReplicas: 5, ...spec },
});
const cpu = (averageUtilization: number) => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } });
const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } };

const toV1 = (hub: Any): Any => v1.conversion!.fromHub(structuredClone(hub)) as Any;
const toV2 = (shown: Any): Any => v1.conversion!.toHub(structuredClone(shown) as never) as Any;

test('an autoscaler without metrics looks at the CPU', () => {
  const { spec } = created(v2, autoscaler());
  assert.equal(spec.minReplicas, 1);
  assert.deepEqual(spec.metrics, [cpu(80)]);
  assert.deepEqual(problems(v2, autoscaler()), []);
});

test('behaviour that is given in part is completed', () => {
  const { behavior } = created(v2, autoscaler({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } })).spec;
  assert.deepEqual(behavior.scaleDown, { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] });
  assert.equal(behavior.scaleUp.policies.length, 2);
});

test('bounds and targets are checked', () => {
  assert.deepEqual(problems(v2, autoscaler({ maxReplicas: 0 })), [
    'spec.maxReplicas: Required value: must be set and greater than 0',
    'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
  ]);
  assert.deepEqual(problems(v2, autoscaler({ scaleTargetRef: { kind: '', name: 'web', apiVersion: 'apps/v1' } })), [
    'spec.scaleTargetRef.kind: Required value',
  ]);
});

test('v1 shows the target for the CPU, and the rest in annotations', () => {
  const hub = created(v2, autoscaler({ metrics: [cpu(70), memory] }));
  const shown = toV1(hub);
  assert.equal(shown.spec.targetCPUUtilizationPercentage, 70);
  const annotation = shown.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'];
  assert.deepEqual(JSON.parse(annotation ?? ''), [{ type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } }]);
  const back = toV2(shown);
  assert.deepEqual(back.spec, { ...hub.spec, metrics: [memory, cpu(70)] });
  assert.equal(back.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'], undefined);
});
