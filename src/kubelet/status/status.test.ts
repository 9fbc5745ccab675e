import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodStatus } from '../../api/core/v1/types.gen.ts';
import { container, pod, ran, runtime, sandbox } from '../testing/pods.ts';
import { statusPatch } from './manager.ts';
import { finalStatus, type PodStatusInput, podStatus, sortedPodIps } from './pod.ts';

const now = new Date('2026-01-02T03:04:05Z');

const status = (of: Pod, more: Partial<PodStatusInput> = {}): PodStatus =>
  podStatus({
    pod: of,
    runtime: runtime([], []),
    runtimeName: 'containerd',
    failure: () => undefined,
    recursiveReadOnly: false,
    previous: {},
    readiness: { started: () => true, ready: () => true },
    terminal: false,
    hostIps: ['192.0.2.1'],
    now,
    ...more,
  });
const condition = (of: PodStatus, type: string) => of.conditions?.find((one) => one.type === type);

test('a pod without containers is pending, and its containers are being created', () => {
  const got = status(pod());
  assert.equal(got.phase, 'Pending');
  assert.deepEqual(got.containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
  assert.equal(condition(got, 'PodReadyToStartContainers')?.status, 'False');
  assert.deepEqual([condition(got, 'Ready')?.reason, condition(got, 'Ready')?.message], ['ContainersNotReady', 'containers with unready status: [main]']);
  assert.equal(got.startTime, '2026-01-02T03:04:05Z');
});

test('a running pod is ready, with its addresses', () => {
  const got = status(pod({}, { generation: 3 }), { runtime: runtime([ran('main')]) });
  assert.equal(got.phase, 'Running');
  assert.deepEqual(got.containerStatuses?.[0]?.state, { running: { startedAt: '1970-01-01T00:00:02Z' } });
  assert.equal(got.containerStatuses?.[0]?.containerID, 'containerd://id-main');
  assert.deepEqual(
    got.conditions?.map(({ type, status: value }) => `${type}=${value}`),
    ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True'],
  );
  assert.ok(got.conditions?.every(({ observedGeneration }) => observedGeneration === 3));
  assert.deepEqual([got.podIP, got.hostIP], ['10.0.0.2', '192.0.2.1']);
});

test('containers wait for init containers', () => {
  const got = status(pod({ initContainers: [container('init')] }), { runtime: runtime([ran('init')]) });
  assert.equal(got.phase, 'Pending');
  assert.deepEqual(got.containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
  assert.deepEqual(
    [condition(got, 'Initialized')?.reason, condition(got, 'Initialized')?.message],
    ['ContainersNotInitialized', 'containers with incomplete status: [init]'],
  );
});

test('the phase of a pod whose containers have ended', () => {
  const phase = (restartPolicy: string, ...codes: number[]) =>
    status(pod({ restartPolicy, containers: codes.map((_, index) => container(`c${index}`)) }), {
      runtime: runtime(codes.map((exitCode, index) => ran(`c${index}`, { state: 'exited', exitCode }))),
    }).phase;
  assert.equal(phase('Never', 0, 0), 'Succeeded');
  assert.equal(phase('Never', 0, 1), 'Failed');
  assert.equal(phase('OnFailure', 0, 0), 'Succeeded');
  assert.equal(phase('OnFailure', 0, 1), 'Running');
  assert.equal(phase('Always', 0, 0), 'Running');
});

test('a container that cannot be started says why, and how it ended before', () => {
  const failure = () => ({ reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=main' });
  const got = status(pod(), { runtime: runtime([ran('main', { state: 'exited', exitCode: 1, reason: 'Error' })]), failure });
  const [main] = got.containerStatuses ?? [];
  assert.deepEqual(main?.state, { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=main' } });
  assert.equal(main?.lastState?.terminated?.exitCode, 1);
  assert.equal(got.phase, 'Running');
});

test('of an earlier run of a container the last state remains', () => {
  const [main] =
    status(pod(), { runtime: runtime([ran('main', { restartCount: 1 }), ran('main', { id: 'old', state: 'exited', exitCode: 3, reason: 'Error' })]) })
      .containerStatuses ?? [];
  assert.equal(main?.restartCount, 1);
  assert.deepEqual([main?.lastState?.terminated?.exitCode, main?.lastState?.terminated?.containerID], [3, 'containerd://old']);
});

test('a running container that the runtime has lost counts as ended', () => {
  const before = status(pod(), { runtime: runtime([ran('main')]) });
  const [main] = status(pod(), { previous: before, runtime: runtime([]) }).containerStatuses ?? [];
  assert.equal(main?.restartCount, 1);
  assert.equal(main?.lastState?.terminated?.reason, 'ContainerStatusUnknown');
});

test('readiness gates hold back Ready but not ContainersReady', () => {
  const gated = pod({ readinessGates: [{ conditionType: 'example.com/ok' }] });
  const missing = status(gated, { runtime: runtime([ran('main')]) });
  assert.equal(condition(missing, 'ContainersReady')?.status, 'True');
  assert.deepEqual(
    [condition(missing, 'Ready')?.reason, condition(missing, 'Ready')?.message],
    ['ReadinessGatesNotReady', 'corresponding condition of pod readiness gate "example.com/ok" does not exist.'],
  );
  const open = status({ ...gated, status: { conditions: [{ type: 'example.com/ok', status: 'True' }] } }, { runtime: runtime([ran('main')]) });
  assert.equal(condition(open, 'Ready')?.status, 'True');
});

test('times of conditions move only with their status', () => {
  const first = status(pod(), { runtime: runtime([ran('main')]) });
  const second = status(pod(), { runtime: runtime([ran('main')]), previous: first, now: new Date('2026-01-02T04:00:00Z') });
  assert.deepEqual(second.conditions, first.conditions);
});

test('a pod that the kubelet ends has failed, with the reason', () => {
  const got = status(pod(), { runtime: runtime([ran('main')]), evicted: { reason: 'DeadlineExceeded', message: 'too long' } });
  assert.deepEqual([got.phase, got.reason, condition(got, 'Ready')?.reason], ['Failed', 'DeadlineExceeded', 'PodFailed']);
});

test('a final phase is never left', () => {
  const got = status({ ...pod(), status: { phase: 'Succeeded' } }, { runtime: runtime([ran('main')]) });
  assert.equal(got.phase, 'Succeeded');
});

test('the address of a pod stays after its sandbox has gone', () => {
  const before = status(pod(), { runtime: runtime([ran('main')]) });
  assert.equal(status(pod(), { runtime: runtime([ran('main', { state: 'exited' })], [sandbox({ ready: false })]), previous: before }).podIP, '10.0.0.2');
});

test('what is not known at the end counts as failed', () => {
  const got = finalStatus(pod(), status(pod()));
  assert.equal(got.phase, 'Failed');
  assert.deepEqual(got.containerStatuses?.[0]?.state?.terminated?.exitCode, 137);
});

test('addresses stand in the order of the node’s families', () => {
  assert.deepEqual(sortedPodIps(['fd00::2', '10.0.0.2', '10.0.0.3'], ['192.0.2.1', 'fd00::1']), ['10.0.0.2', 'fd00::2']);
  assert.deepEqual(sortedPodIps(['10.0.0.2', 'fd00::2'], ['fd00::1']), ['fd00::2', '10.0.0.2']);
});

test('a patch has what has changed alone, and takes out what is gone', () => {
  const before: PodStatus = {
    phase: 'Pending',
    message: 'x',
    conditions: [
      { type: 'Ready', status: 'False', reason: 'no' },
      { type: 'PodScheduled', status: 'True' },
      { type: 'PodResizePending', status: 'True' },
    ],
  };
  const after: PodStatus = {
    phase: 'Running',
    podIPs: [{ ip: '10.0.0.2' }],
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'PodScheduled', status: 'True' },
    ],
  };
  assert.deepEqual(statusPatch(before, after), {
    phase: 'Running',
    message: null,
    podIPs: [{ ip: '10.0.0.2' }, { $patch: 'replace' }],
    conditions: [
      { type: 'Ready', status: 'True', reason: null },
      { $patch: 'delete', type: 'PodResizePending' },
    ],
  });
  assert.equal(statusPatch(after, structuredClone(after)), undefined);
});
