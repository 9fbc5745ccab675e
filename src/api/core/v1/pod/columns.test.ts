import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, pod } from '../../../testing/pods.ts';
import { cells } from '../../../testing/strategy.ts';
import { pods } from '../pod.ts';
import type { ContainerStatus, Pod, PodSpec } from '../types.gen.ts';

const running = (over: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'c',
  image: '',
  imageID: '',
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...over,
});
const shown: Record<string, [Partial<PodSpec>, Pod['status'], Partial<Pod['metadata']>, [string, string, string]]> = {
  running: [{}, { phase: 'Running', containerStatuses: [running()] }, {}, ['1/1', 'Running', '0']],
  'crash loop': [
    {},
    {
      phase: 'Running',
      containerStatuses: [
        running({
          ready: false,
          restartCount: 3,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-02T03:03:05Z' } },
        }),
      ],
    },
    {},
    ['0/1', 'CrashLoopBackOff', '3 (60s ago)'],
  ],
  initializing: [
    { initContainers: [container({ name: 'i' }), container({ name: 'j' })] },
    {
      phase: 'Pending',
      initContainerStatuses: [running({ name: 'i', state: { terminated: { exitCode: 0 } } }), running({ name: 'j', ready: false })],
      containerStatuses: [running({ ready: false, state: { waiting: { reason: 'PodInitializing' } } })],
    },
    {},
    ['0/1', 'Init:1/2', '0'],
  ],
  sidecar: [
    { initContainers: [container({ name: 's', restartPolicy: 'Always' })] },
    { phase: 'Running', initContainerStatuses: [running({ name: 's', started: true })], containerStatuses: [running()] },
    {},
    ['2/2', 'Running', '0'],
  ],
  completed: [
    {},
    { phase: 'Succeeded', containerStatuses: [running({ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } })] },
    {},
    ['0/1', 'Completed', '0'],
  ],
  terminating: [{}, { phase: 'Running', containerStatuses: [running()] }, { deletionTimestamp: '2026-01-02T03:04:05Z' }, ['1/1', 'Terminating', '0']],
  evicted: [{}, { phase: 'Failed', reason: 'Evicted' }, {}, ['0/1', 'Evicted', '0']],
  signalled: [
    {},
    { phase: 'Failed', containerStatuses: [running({ ready: false, state: { terminated: { exitCode: 137, signal: 9 } } })] },
    {},
    ['0/1', 'Signal:9', '0'],
  ],
};

for (const [name, [spec, status, metadata, [ready, state, restarts]]] of Object.entries(shown)) {
  test(`kubectl shows a pod as ${name}`, () => {
    const row = cells(pods, { ...pod(spec, { creationTimestamp: '2026-01-02T03:02:05Z', ...metadata }), status: status! });
    assert.deepEqual(row.slice(0, 5), ['p', ready, state, restarts, '2m']);
  });
}
