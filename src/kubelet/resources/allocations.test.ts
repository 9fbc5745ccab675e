/** What a node gives containers for themselves, as its configuration says and down to their own configuration. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { defaultConfiguration, type KubeletConfiguration } from '../config/configuration.ts';
import type { KubeletContext } from '../context.ts';
import type { ContainerConfig } from '../cri/types.gen.ts';
import { createMeters } from '../server/meters.ts';
import { device, startPlugin } from '../testing/plugin.ts';
import { container, pod, ran, runtime } from '../testing/pods.ts';
import { type Allocations, createAllocations } from './allocations.ts';
import { formatCpuSet, without } from './cpuset.ts';
import { readMachine } from './machine.ts';
import { createCpuReconciler } from './reconcile.ts';
import { reservedMemoryOf } from './reserved.ts';

const memory = 8 * 2 ** 30;
const all = new Set(readMachine(memory).cpus.map(({ id }) => id));
const first = Math.min(...all);

async function start(t: TestContext): Promise<{ root: string; begin(settings?: Partial<KubeletConfiguration>): Allocations }> {
  const root = await mkdtemp(join(tmpdir(), 'own-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const log = pino({ enabled: false });
  const begin = (settings: Partial<KubeletConfiguration> = {}): Allocations => {
    const config = { ...defaultConfiguration, ...settings };
    const needed = { config, log, meters: createMeters(), now: () => new Date(0), options: { rootDir: root }, resources: { memory } };
    return createAllocations(needed as unknown as KubeletContext, () => {});
  };
  return { root, begin };
}

function guaranteed(uid: string, resources: Record<string, string>): Pod {
  return pod({ containers: [container('main', { resources: { limits: resources, requests: resources } })] }, { uid });
}
const blank = (): ContainerConfig => ({
  envs: [{ key: 'A', value: Buffer.from('1') }],
  annotations: { own: 'yes' },
  linux: { resources: { cpuQuota: 100_000 } },
});

test('devices come before what the pod says itself', async (t) => {
  const { root, begin } = await start(t);
  const own = begin();
  await own.serve({ active: () => [], claims: { heldBy: () => [] }, find: () => undefined });
  t.after(() => own.stop());
  const plugin = await startPlugin({
    directory: join(root, 'device-plugins'),
    resource: 'example.com/widget',
    devices: [device('a')],
    allocate: () => ({
      envs: { WIDGET: 'a' },
      mounts: [{ containerPath: '/w', hostPath: '/opt/w', readOnly: true }],
      devices: [{ containerPath: '/dev/w', hostPath: '/dev/null', permissions: 'r' }],
      annotations: { own: 'no', more: 'yes' },
      cdiDevices: [{ name: 'example.com/widget=a' }],
    }),
  });
  t.after(() => plugin.stop());
  while (own.devices.healthy().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const wanted = guaranteed('one', { 'example.com/widget': '1' });
  assert.equal(await own.allocate(wanted), undefined);
  const config = blank();
  await own.configure(wanted, container('main', wanted.spec.containers[0]), config);
  assert.deepEqual(
    { ...config, envs: config.envs?.map(({ key }) => key), linux: undefined },
    {
      envs: ['WIDGET', 'A'],
      mounts: [{ containerPath: '/w', hostPath: '/opt/w', readonly: true }],
      devices: [{ containerPath: '/dev/w', hostPath: '/dev/null', permissions: 'r' }],
      annotations: { own: 'yes', more: 'yes' },
      cdiDevices: [{ name: 'example.com/widget=a' }],
      linux: undefined,
    },
  );
});

test('CPUs of its own reach a container, and leave those that run', { skip: all.size < 2 && 'one CPU' }, async (t) => {
  const { root, begin } = await start(t);
  const own = begin({ cpuManagerPolicy: 'static', reservedSystemCPUs: String(first) });
  const alone = guaranteed('alone', { cpu: '1', memory: '1Gi' });
  const other = pod({}, { uid: 'other' });
  const updates: string[] = [];
  const cri = { updateContainerResources: async (id: string, { cpusetCpus = '' }) => void updates.push(`${id} ${cpusetCpus}`) };
  const context = { cri, log: pino({ enabled: false }), signal: new AbortController().signal } as unknown as KubeletContext;
  assert.ok(own.cpus);
  const reconciler = createCpuReconciler(
    context,
    own.cpus,
    () => [other],
    () => runtime([ran('main')]),
  );
  await reconciler.reconcile();
  assert.equal(await own.allocate(alone), undefined);
  await reconciler.reconcile();
  await reconciler.reconcile();
  const given = own.cpus.exclusive('alone', 'main') ?? new Set();
  assert.deepEqual(updates, [`id-main ${formatCpuSet(all)}`, `id-main ${formatCpuSet(without(all, given))}`]);

  const config = blank();
  await own.configure(alone, container('main'), config);
  assert.deepEqual([config.linux?.resources?.cpusetCpus, config.linux?.resources?.cpuQuota], [formatCpuSet(given), undefined]);
  assert.deepEqual([own.unthrottled(alone), own.unthrottled(other)], [true, false]);
  assert.deepEqual(own.resizeRefusal(guaranteed('alone', { cpu: '2', memory: '1Gi' }), alone), {
    reason: 'Infeasible',
    message: 'Resize is infeasible for Guaranteed Pods alongside CPU Manager policy "static"',
  });
  assert.equal(own.resizeRefusal(guaranteed('alone', { cpu: '1', memory: '2Gi' }), alone), undefined);

  assert.throws(() => begin(), /configured policy "none" differs from state checkpoint policy "static"/);
  own.release('alone');
  begin();
  assert.equal(existsSync(join(root, 'cpu_manager_state')), false);
});

test('memory that is reserved by NUMA node is what is kept free anyway', () => {
  const nodes = [0, 1].map((id) => ({ id, memory, hugePages: {}, distances: [] }));
  const reserve = (numaNode: number, amount: string): Map<number, object> =>
    reservedMemoryOf({ ...defaultConfiguration, systemReserved: { memory: '1Gi' }, reservedMemory: [{ numaNode, limits: { memory: amount } }] }, nodes, memory);
  assert.deepEqual(reserve(1, '1124Mi').get(1), { memory: 1124 * 2 ** 20 });
  assert.throws(() => reserve(0, '1Gi'), {
    message: 'the total amount "1Gi" of type "memory" is not equal to the value "1124Mi" determined by Node Allocatable feature',
  });
  assert.throws(() => reserve(2, '1124Mi'), { message: 'the reserved memory configuration references a NUMA node 2 that does not exist on this machine' });
});
