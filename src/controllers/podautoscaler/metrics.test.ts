import assert from 'node:assert/strict';
import test from 'node:test';
import type { MetricSpec } from '../../api/autoscaling/v2/types.gen.ts';
import { goText } from '../common/selectortext.ts';
import { askMetric, type MetricError } from './metrics.ts';

const pods = [
  {
    metadata: { name: 'web-1' },
    spec: { containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  },
];
const question = { namespace: 'ns', selector: 'app=web', pods, specReplicas: 1, statusReplicas: 1, tolerances: { down: 0.1, up: 0.1 }, now: 0 };
const gone = async (): Promise<never> => {
  throw new Error('gone');
};
const failing = { resource: gone, pods: gone, object: gone, external: gone };
const metric = { name: 'qps', selector: { matchLabels: { verb: 'GET', path: 'a' } } };
const describedObject = { kind: 'Service', name: 'web' };

test('what can not be had is told as upstream tells it', async () => {
  const text = '&LabelSelector{MatchLabels:map[string]string{path: a,verb: GET,},MatchExpressions:[]LabelSelectorRequirement{},}';
  const cases: [MetricSpec, string, string, string][] = [
    [
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 50 } } },
      'FailedGetContainerResourceMetric',
      'failed to get cpu utilization: unable to get metrics for resource cpu: gone',
      'failed to get main container metric value: ',
    ],
    [
      { type: 'Object', object: { metric: { name: 'qps' }, describedObject, target: { type: 'AverageValue', averageValue: '1' } } },
      'FailedGetObjectMetric',
      'unable to get metric qps: Service on ns web/gone',
      'failed to get object metric value: failed to get qps object metric: ',
    ],
    [
      { type: 'External', external: { metric, target: { type: 'Value', value: '1' } } },
      'FailedGetExternalMetric',
      `unable to get external metric ns/qps/${text}: gone`,
      'failed to get qps external metric value: failed to get external metric qps: ',
    ],
    [
      { type: 'External', external: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '1' } } },
      'FailedGetExternalMetric',
      'unable to get external metric ns/qps/nil: gone',
      'failed to get qps external metric value: failed to get qps external metric: ',
    ],
  ];
  for (const [spec, reason, detail, prefix] of cases) {
    await assert.rejects(askMetric(failing, spec, question), (error: MetricError) => {
      assert.deepEqual([error.reason, error.detail, error.message], [reason, detail, prefix + detail]);
      return true;
    });
  }
});

test('metrics are named with their selectors', async () => {
  const client = { ...failing, external: async () => 4_000, object: async () => 4_000 };
  const external = await askMetric(client, { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '1' } } }, question);
  assert.deepEqual([external.name, external.replicas], [`external metric qps(${goText(metric.selector)})`, 4]);
  const object = { metric: { name: 'qps' }, describedObject, target: { type: 'Value', value: '2' } };
  assert.deepEqual(await askMetric(client, { type: 'Object', object }, question), {
    replicas: 2,
    name: 'Service metric qps',
    status: { type: 'Object', object: { describedObject, metric: { name: 'qps' }, current: { value: '4' } } },
  });
});
