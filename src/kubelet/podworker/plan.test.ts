import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, pod, ran, runtime, sandbox } from '../testing/pods.ts';
import { type Plan, type ProbeVerdicts, planPod } from './plan.ts';

const healthy: ProbeVerdicts = { livenessFailed: () => false, startupFailed: () => false, started: () => true };
const brief = ({ killPod, createSandbox, attempt, kill, start }: Plan) => ({
  killPod,
  createSandbox,
  attempt,
  kill: kill.map(({ message }) => message),
  start: start.map(({ name }) => name),
});
const init = container('init');
const sidecar = container('proxy', { restartPolicy: 'Always' });

test('a new pod gets a sandbox and its containers', () => {
  const plan = planPod(pod({ containers: [container('a'), container('b')] }), runtime([], []), healthy);
  assert.deepEqual(brief(plan), { killPod: true, createSandbox: true, attempt: 0, kill: [], start: ['a', 'b'] });
});

test('a pod with init containers starts with the first of them', () => {
  const plan = planPod(pod({ initContainers: [init, container('second')] }), runtime([], []), healthy);
  assert.deepEqual(
    plan.start.map(({ name }) => name),
    ['init'],
  );
});

test('init containers run one after the other, then the others', () => {
  const spec = { initContainers: [init, container('second')] };
  const next = (...containers: Parameters<typeof runtime>[0] & object) => planPod(pod(spec), runtime(containers), healthy).start.map(({ name }) => name);
  assert.deepEqual(next(ran('init')), []);
  assert.deepEqual(next(ran('init', { state: 'exited' })), ['second']);
  assert.deepEqual(next(ran('second', { state: 'exited' }), ran('init', { state: 'exited' })), ['main']);
  assert.deepEqual(next(ran('init', { state: 'exited', exitCode: 1 })), ['init']);
});

test('a failed init container ends a pod that never restarts', () => {
  const plan = planPod(pod({ restartPolicy: 'Never', initContainers: [init] }), runtime([ran('init', { state: 'exited', exitCode: 1 })]), healthy);
  assert.deepEqual(brief(plan), { killPod: true, createSandbox: false, attempt: 0, kill: [], start: [] });
});

test('what follows a sidecar waits until it has started', () => {
  const spec = { initContainers: [sidecar, init] };
  const notYet = planPod(pod(spec), runtime([ran('proxy')]), { ...healthy, started: () => false });
  assert.deepEqual(notYet.start, []);
  const started = planPod(pod(spec), runtime([ran('proxy')]), healthy);
  assert.deepEqual(
    started.start.map(({ name }) => name),
    ['init'],
  );
});

test('a sidecar that ended is started again while the pod runs', () => {
  const plan = planPod(pod({ initContainers: [sidecar] }), runtime([ran('main'), ran('proxy', { state: 'exited' })]), healthy);
  assert.deepEqual(brief(plan), { killPod: false, createSandbox: false, attempt: 0, kill: [], start: ['proxy'] });
});

test('a running pod needs nothing', () => {
  assert.deepEqual(brief(planPod(pod(), runtime([ran('main')]), healthy)), { killPod: false, createSandbox: false, attempt: 0, kill: [], start: [] });
});

test('a container that ended is started again as its restart policy says', () => {
  const startAfter = (restartPolicy: string, exitCode: number) =>
    planPod(
      pod({ restartPolicy, containers: [container('main'), container('other')] }),
      runtime([ran('main', { state: 'exited', exitCode }), ran('other')]),
      healthy,
    ).start.length;
  assert.deepEqual([startAfter('Always', 0), startAfter('OnFailure', 0), startAfter('OnFailure', 1), startAfter('Never', 1)], [1, 0, 1, 0]);
});

test('a rule of its own restarts a container of a pod that never restarts', () => {
  const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
  const spec = { restartPolicy: 'Never', containers: [container('main', { restartPolicy: 'Never', restartPolicyRules: rules }), container('other')] };
  const startAfter = (exitCode: number) => planPod(pod(spec), runtime([ran('main', { state: 'exited', exitCode }), ran('other')]), healthy).start.length;
  assert.deepEqual([startAfter(42), startAfter(1)], [1, 0]);
});

test('a container whose liveness probe fails is killed and started again', () => {
  const plan = planPod(pod(), runtime([ran('main')]), { ...healthy, livenessFailed: () => true });
  assert.deepEqual(brief(plan), {
    killPod: false,
    createSandbox: false,
    attempt: 0,
    kill: ['Container main failed liveness probe, will be restarted'],
    start: ['main'],
  });
});

test('a container whose startup probe fails in a pod that never restarts is killed', () => {
  const plan = planPod(pod({ restartPolicy: 'Never', containers: [container('main'), container('other')] }), runtime([ran('main'), ran('other')]), {
    ...healthy,
    startupFailed: (id) => id === 'id-main',
  });
  assert.deepEqual(brief(plan), { killPod: false, createSandbox: false, attempt: 0, kill: ['Container main failed startup probe'], start: [] });
});

test('a container with another image than it runs is replaced', () => {
  const plan = planPod(pod({ containers: [container('main', { image: 'busybox:2' })] }), runtime([ran('main')]), healthy);
  assert.deepEqual(
    plan.kill.map(({ message }) => message),
    ['Container main definition changed, will be restarted'],
  );
});

test('a sandbox that died is replaced, with all containers', () => {
  const plan = planPod(pod(), runtime([ran('main', { state: 'exited', exitCode: 137 })], [sandbox({ ready: false, attempt: 2 })]), healthy);
  assert.deepEqual(brief(plan), { killPod: true, createSandbox: true, attempt: 3, kill: [], start: ['main'] });
});

test('a sandbox that died is not replaced when the pod never restarts', () => {
  const plan = planPod(pod({ restartPolicy: 'Never' }), runtime([ran('main', { state: 'exited' })], [sandbox({ ready: false })]), healthy);
  assert.deepEqual(brief(plan), { killPod: true, createSandbox: false, attempt: 1, kill: [], start: [] });
});

test('containers that have succeeded are not run again in a new sandbox', () => {
  const spec = { restartPolicy: 'OnFailure', containers: [container('main'), container('other')] };
  const plan = planPod(
    pod(spec),
    runtime([ran('main', { state: 'exited' }), ran('other', { state: 'exited', exitCode: 137 })], [sandbox({ ready: false })]),
    healthy,
  );
  assert.deepEqual(
    plan.start.map(({ name }) => name),
    ['other'],
  );
});

test('a pod that is being deleted starts nothing', () => {
  const plan = planPod(pod({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), runtime([ran('main', { state: 'exited' })]), healthy);
  assert.deepEqual(plan.start, []);
});

test('an ephemeral container is started once', () => {
  const spec = { ephemeralContainers: [{ name: 'debug', image: 'busybox:1' }] };
  assert.deepEqual(
    planPod(pod(spec), runtime([ran('main')]), healthy).start.map(({ name }) => name),
    ['debug'],
  );
  assert.deepEqual(planPod(pod(spec), runtime([ran('main'), ran('debug', { state: 'exited' })]), healthy).start, []);
});
