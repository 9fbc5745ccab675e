import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, ResourceRequirements } from '../../api/core/v1/types.gen.ts';
import type { CgroupLimits } from '../cgroups/hierarchy.ts';
import type { PodCgroups } from '../cgroups/pods.ts';
import type { KubeletContext } from '../context.ts';
import { container, pod, ran, runtime } from '../testing/pods.ts';
import { changedResources, PodResizer } from './resize.ts';

const sized = (cpu: string, memory: string): ResourceRequirements => ({ requests: { cpu, memory }, limits: { cpu, memory } });
const asking = (resources: ResourceRequirements, more: object = {}): Pod => pod({ containers: [container('main', { resources, ...more })] }, { generation: 2 });

/** A resizer of a pod that runs with these resources, and what it does to the node. */
async function running(resources: ResourceRequirements, more: object = {}) {
  const done: string[] = [];
  const fail: { message?: string } = {};
  const context = {
    cri: {
      listContainerStats: async () => [{ memory: { usageBytes: { value: 5 } } }],
      updateContainerResources: async (id: string, linux: { cpuQuota?: number; memoryLimitInBytes?: number }) => {
        if (fail.message) throw new Error(fail.message);
        done.push(`${id} ${linux.cpuQuota} ${linux.memoryLimitInBytes}`);
      },
    },
    resources: { memory: 1e9, hugePageSizes: [] },
    events: { event: (_about: unknown, _type: string, reason: string) => void done.push(reason) },
  } as unknown as KubeletContext;
  const cgroups = {
    path: () => '/pod',
    hierarchy: {
      version: 1,
      read: async () => '5',
      ensure: async (_path: string, { cpuQuota, memory }: CgroupLimits) => void done.push(`pod ${cpuQuota} ${memory}`),
    },
  } as unknown as PodCgroups;
  const resizer = new PodResizer(context);
  const before = asking(resources, more);
  resizer.allocate(before, () => undefined);
  resizer.started('id-main', before.spec.containers[0] ?? container('main'));
  const actuate = (of: Pod) => resizer.actuate(resizer.granted(of), runtime([ran('main')]), cgroups, -1);
  await actuate(before);
  return { resizer, actuate, done, fail };
}

test('resources are the same however they are written', () => {
  assert.deepEqual(changedResources(sized('1', '1Gi'), sized('1000m', '1024Mi')), []);
  assert.deepEqual(changedResources(sized('1', '1Gi'), sized('2', '1Gi')), ['cpu']);
});

test('a pod is resized outside in when it grows and inside out when it shrinks', async () => {
  const { resizer, actuate, done } = await running(sized('100m', '100'));
  const mixed = asking(sized('200m', '50'));
  resizer.allocate(mixed, () => undefined);
  assert.equal(resizer.conditions([], 'now')[0]?.type, 'PodResizeInProgress');
  assert.deepEqual(await actuate(mixed), []);
  assert.deepEqual(done, ['ResizeStarted', 'pod 20000 100', 'id-main 20000 50', 'pod 20000 50', 'ResizeCompleted']);
  assert.deepEqual(resizer.conditions([], 'now'), []);
  assert.deepEqual(resizer.actuated('id-main'), sized('200m', '50'));
});

test('what the node cannot grant waits, and the pod goes on with what it has', async () => {
  const { resizer, actuate, done } = await running(sized('100m', '100'));
  const more = asking(sized('9', '100'));
  resizer.allocate(more, () => ({ reason: 'Deferred', message: 'others have it' }));
  assert.deepEqual(resizer.granted(more).spec.containers[0]?.resources, sized('100m', '100'));
  assert.equal(resizer.deferred, true);
  const [condition] = resizer.conditions([], 'now');
  assert.deepEqual(
    [condition?.type, condition?.reason, condition?.message, condition?.observedGeneration],
    ['PodResizePending', 'Deferred', 'others have it', 2],
  );
  await actuate(more);
  assert.deepEqual(done, ['ResizeDeferred']);
});

test('a container whose policy says so is restarted', async () => {
  const policy = { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] };
  const { resizer, actuate } = await running(sized('100m', '100'), policy);
  const larger = asking(sized('100m', '200'), policy);
  resizer.allocate(larger, () => undefined);
  assert.deepEqual(
    (await actuate(larger)).map(({ message }) => message),
    ['Container main resize requires restart'],
  );
});

test('a resize that fails says so and is tried again', async () => {
  const { resizer, actuate, fail } = await running(sized('100m', '100'));
  const less = asking(sized('100m', '10'));
  resizer.allocate(less, () => undefined);
  fail.message = 'device or resource busy';
  await assert.rejects(actuate(less));
  assert.deepEqual([resizer.conditions([], 'now')[0]?.reason, resizer.conditions([], 'now')[0]?.message], ['Error', 'device or resource busy']);
  delete fail.message;
  await actuate(less);
  assert.deepEqual(resizer.conditions([], 'now'), []);
});

test('a limit is not set below what is in use', async () => {
  const { resizer, actuate, done } = await running(sized('100m', '100'));
  const less = asking(sized('100m', '4'));
  resizer.allocate(less, () => undefined);
  await assert.rejects(actuate(less), {
    message: '[attempting to set pod memory limit (4) below current usage (5), attempting to set container "main" memory limit (4) below current usage (5)]',
  });
  assert.deepEqual(done, ['ResizeStarted', 'ResizeError']);
});
