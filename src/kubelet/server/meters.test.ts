import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeters, operationName } from './meters.ts';

test('what is counted and measured is shown as Prometheus reads it', () => {
  const meters = createMeters();
  assert.equal(meters.show(), '');
  for (const code of ['A', 'A', 'B']) meters.count('started_containers_errors_total', { container_type: 'container', code });
  for (const seconds of [0.004, 0.04, 60]) meters.observe('pleg_relist_duration_seconds', seconds);
  const lines = meters.show().split('\n');
  assert.ok(lines.includes('kubelet_started_containers_errors_total{code="A",container_type="container"} 2'));
  assert.ok(lines.includes('# TYPE kubelet_pleg_relist_duration_seconds histogram'));
  assert.deepEqual(
    lines.filter((line) => /_bucket\{le="(0.005|0.05|10|\+Inf)"\}|_sum|_count/.test(line)),
    [
      'kubelet_pleg_relist_duration_seconds_bucket{le="0.005"} 1',
      'kubelet_pleg_relist_duration_seconds_bucket{le="0.05"} 2',
      'kubelet_pleg_relist_duration_seconds_bucket{le="10"} 2',
      'kubelet_pleg_relist_duration_seconds_bucket{le="+Inf"} 3',
      'kubelet_pleg_relist_duration_seconds_sum 60.044',
      'kubelet_pleg_relist_duration_seconds_count 3',
    ],
  );
});

test('operations of the runtime are called what upstream calls them', () => {
  assert.deepEqual(['RunPodSandbox', 'ListContainers', 'ExecSync', 'PullImage', 'ListPodSandboxStats', 'UpdateContainerResources'].map(operationName), [
    'run_podsandbox',
    'list_containers',
    'exec_sync',
    'pull_image',
    'list_podsandbox_stats',
    'update_container',
  ]);
});
