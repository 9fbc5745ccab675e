/** Device plugins against the manager: both sides over real sockets. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { Client } from '../../client/client.ts';
import { createCsiDrivers } from '../csi/drivers.ts';
import { type Allocator, createAllocator } from '../resources/allocator.ts';
import { device, startPlugin } from '../testing/plugin.ts';
import { container, pod } from '../testing/pods.ts';
import { createDeviceManager, type DeviceManager } from './manager.ts';
import { servePluginRegistry } from './registry.ts';

const resource = 'example.com/widget';
const nodes = [0, 1].map((id) => ({ id, memory: 0, hugePages: {}, distances: [10, 20] }));

interface Node {
  devices: DeviceManager;
  allocator: Allocator;
  changes: string[][];
  clock: { now: number };
  stop(): Promise<void>;
}

async function startNode(directory: string): Promise<Node> {
  const clock = { now: 1_000_000 };
  const changes: string[][] = [];
  const devices = createDeviceManager({
    directory,
    nodes: [0, 1],
    log: pino({ enabled: false }),
    now: () => clock.now,
    changed: (pods) => void changes.push(pods),
  });
  const registry = await servePluginRegistry(directory, devices);
  const allocator = createAllocator({ providers: [devices], policy: 'none', scope: 'container', nodes });
  const stop = async (): Promise<void> => {
    devices.stop();
    await registry.stop();
  };
  return { devices, allocator, changes, clock, stop };
}

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'dev-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const wants = (name: string, count: number): ReturnType<typeof container> =>
  container(name, { resources: { limits: { [resource]: String(count) }, requests: { [resource]: String(count) } } });
const podOf = (uid: string, ...containers: ReturnType<typeof container>[]): Pod => pod({ containers }, { uid });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
const counts = ({ devices }: Node): string => {
  const { capacity, allocatable, gone } = devices.capacity();
  return `${allocatable[resource] ?? '-'}/${capacity[resource] ?? '-'}${gone.length ? ` gone ${gone.join()}` : ''}`;
};

test('a plugin registers, tells of its devices, and gives them to containers', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(directory);
  t.after(() => node.stop());
  const plugin = await startPlugin({
    directory,
    resource,
    devices: [device('a'), device('b'), device('c', undefined, 'Unhealthy')],
    options: { preStartRequired: true },
    allocate: (ids) => ({
      envs: { WIDGETS: ids.join() },
      mounts: [{ containerPath: '/etc/widget', hostPath: '/opt/widget', readOnly: true }],
      devices: ids.map((id) => ({ containerPath: `/dev/${id}`, hostPath: '/dev/null', permissions: 'rw' })),
      annotations: { 'example.com/widget': 'yes' },
      cdiDevices: [{ name: `example.com/widget=${ids[0]}` }],
    }),
  });
  t.after(() => plugin.stop());
  await until(() => counts(node) === '2/3');

  const first = podOf('one', wants('main', 1));
  assert.equal(await node.allocator.allocate(first), undefined);
  const given = await node.devices.containerOptions(first, wants('main', 1));
  assert.deepEqual(given, [
    {
      envs: { WIDGETS: 'a' },
      mounts: [{ containerPath: '/etc/widget', hostPath: '/opt/widget', readOnly: true }],
      devices: [{ containerPath: '/dev/a', hostPath: '/dev/null', permissions: 'rw' }],
      annotations: { 'example.com/widget': 'yes' },
      cdiDevices: [{ name: 'example.com/widget=a' }],
    },
  ]);
  assert.deepEqual(
    plugin.calls.map(({ method }) => method),
    ['Allocate', 'PreStartContainer'],
  );
  assert.equal(await node.allocator.allocate(first), undefined, 'what it has it keeps');
  assert.equal(plugin.calls.length, 2);

  assert.deepEqual(await node.allocator.allocate(podOf('two', wants('main', 2))), {
    reason: 'UnexpectedAdmissionError',
    message: `Allocate failed due to requested number of devices unavailable for ${resource}. Requested: 2, Available: 1, which is unexpected`,
  });
  node.allocator.release('one');
  assert.equal(await node.allocator.allocate(podOf('two', wants('main', 2))), undefined);
  assert.deepEqual(node.devices.inUse(), { [resource]: 2 });

  plugin.tell([device('a', undefined, 'Unhealthy'), device('b')]);
  await until(() => counts(node) === '1/2');
  assert.deepEqual(node.changes.at(-1), ['two']);
  assert.deepEqual(node.devices.health('two', 'main'), [
    {
      name: resource,
      resources: [
        { resourceID: 'a', health: 'Unhealthy' },
        { resourceID: 'b', health: 'Healthy' },
      ],
    },
  ]);
});

test('an init container hands its devices on; a sidecar keeps its own', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(directory);
  t.after(() => node.stop());
  const plugin = await startPlugin({ directory, resource, devices: ['a', 'b', 'c'].map((id) => device(id)) });
  t.after(() => plugin.stop());
  await until(() => counts(node) === '3/3');
  const sidecar = { ...wants('side', 1), restartPolicy: 'Always' };
  const many = pod({ initContainers: [wants('init', 2), sidecar], containers: [wants('main', 1), wants('other', 1)] }, { uid: 'many' });
  assert.equal(await node.allocator.allocate(many), undefined);
  assert.deepEqual(
    ['init', 'side', 'main', 'other'].map((name) => node.devices.devicesOf('many', name)[0]?.ids.join()),
    ['a,b', 'a', 'b', 'c'],
  );
});

test('a plugin says which devices it would rather give', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(directory);
  t.after(() => node.stop());
  const options = { getPreferredAllocationAvailable: true };
  const plugin = await startPlugin({
    directory,
    resource,
    options,
    devices: ['a', 'b', 'c'].map((id) => device(id)),
    preferred: (available) => available.slice(-2),
  });
  t.after(() => plugin.stop());
  await until(() => counts(node) === '3/3');
  assert.equal(await node.allocator.allocate(podOf('one', wants('main', 2))), undefined);
  assert.deepEqual(node.devices.devicesOf('one', 'main'), [{ resource, ids: ['b', 'c'], nodes: [] }]);
});

test('devices are given near each other, where the policy asks for it', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(directory);
  t.after(() => node.stop());
  const plugin = await startPlugin({ directory, resource, devices: [device('a', 0), device('b', 1), device('c', 1)] });
  t.after(() => plugin.stop());
  await until(() => counts(node) === '3/3');
  const strict = createAllocator({ providers: [node.devices], policy: 'single-numa-node', scope: 'container', nodes });
  assert.equal(await strict.allocate(podOf('two', wants('main', 2))), undefined);
  assert.deepEqual(node.devices.devicesOf('two', 'main')[0]?.ids, ['b', 'c']);
  strict.release('two');
  assert.deepEqual(await strict.allocate(podOf('three', wants('main', 3))), {
    reason: 'TopologyAffinityError',
    message: 'Resources cannot be allocated with Topology locality',
  });
});

test('a plugin that goes leaves no healthy devices, and after five minutes none at all', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(directory);
  t.after(() => node.stop());
  const plugin = await startPlugin({ directory, resource, devices: [device('a')] });
  await until(() => counts(node) === '1/1');
  plugin.stop();
  await until(() => counts(node) === '0/1');
  assert.match((await node.allocator.allocate(podOf('one', wants('main', 1))))?.message ?? '', /no healthy devices present; cannot allocate unhealthy devices/);
  const again = await startPlugin({ directory, resource, devices: [device('a'), device('b')] });
  await until(() => counts(node) === '2/2');
  again.stop();
  await until(() => counts(node) === '0/2');
  node.clock.now += 300_001;
  assert.equal(counts(node), `-/- gone ${resource}`);
  assert.equal(counts(node), '-/-');
});

test('what pods have outlives the kubelet, which waits for the plugin to come back', async (t) => {
  const directory = await directoryFor(t);
  const before = await startNode(directory);
  const plugin = await startPlugin({ directory, resource, devices: [device('a'), device('b')] });
  await until(() => counts(before) === '2/2');
  assert.equal(await before.allocator.allocate(podOf('one', wants('main', 1))), undefined);
  await before.stop();
  plugin.stop();

  const node = await startNode(directory);
  t.after(() => node.stop());
  assert.equal(counts(node), '0/0');
  assert.deepEqual(node.devices.devicesOf('one', 'main'), [{ resource, ids: ['a'], nodes: [] }]);
  const again = await startPlugin({ directory, resource, devices: [device('a'), device('b')] });
  t.after(() => again.stop());
  await until(() => counts(node) === '2/2');
  assert.equal(await node.allocator.allocate(podOf('two', wants('main', 1))), undefined);
  assert.deepEqual(node.devices.devicesOf('two', 'main')[0]?.ids, ['b']);
  node.allocator.retain(new Set(['two']));
  assert.deepEqual(node.devices.inUse(), { [resource]: 1 });
});

test('a plugin may announce itself where drivers do', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(join(directory, 'device-plugins'));
  t.after(() => node.stop());
  const over = new AbortController();
  t.after(() => over.abort());
  const object = { metadata: { name: 'n' }, spec: { drivers: [] } };
  const client = { resource: () => ({ get: async () => object, update: async () => object }) } as unknown as Client;
  const { connected, unregister } = node.devices;
  const drivers = createCsiDrivers(directory, 'n', client, pino({ enabled: false }), over.signal, [
    { type: 'DevicePlugin', register: (name, endpoint) => node.devices.register(name, endpoint), unregister, holds: connected },
  ]);
  await drivers.start(() => 'uid');
  const announce = join(directory, 'plugins_registry', 'widget.sock');
  const plugin = await startPlugin({ directory: join(directory, 'device-plugins'), resource, devices: [device('a')], announce });
  await until(() => counts(node) === '1/1' && plugin.calls.length > 0);
  assert.deepEqual(plugin.calls, [{ method: 'NotifyRegistrationStatus', request: { pluginRegistered: true, error: '' } }]);
  plugin.stop();
  await until(() => counts(node) === '0/1');
});

test('a plugin of another version or with an impossible name is told so', async (t) => {
  const directory = await directoryFor(t);
  const node = await startNode(directory);
  t.after(() => node.stop());
  const refused = async (more: { version?: string; resource?: string }): Promise<string> => {
    const failure = await startPlugin({ directory, resource, devices: [], ...more }).catch((error: { details: string }) => error);
    return 'details' in failure ? failure.details : 'taken';
  };
  assert.equal(await refused({ version: 'v1alpha1' }), 'requested API version "v1alpha1" is not supported by kubelet. Supported version is ["v1beta1"]');
  assert.equal(await refused({ resource: 'kubernetes.io/widget' }), 'the ResourceName "kubernetes.io/widget" is invalid');
});
