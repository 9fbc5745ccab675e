/** Devices and CPUs that containers have for themselves, on a real node. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import type { Container, Node, Pod } from '../../src/api/core/v1/types.gen.ts';
import { definitionOf } from '../../src/kubelet/grpc.ts';
import { messages } from '../../src/kubelet/resources/messages.ts';
import { startDriver } from '../../src/kubelet/testing/dradriver.ts';
import { device, startPlugin, type TestPlugin } from '../../src/kubelet/testing/plugin.ts';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

const resource = 'example.com/widget';
let cluster: TestCluster;
let plugin: TestPlugin;
let kubelet: string;
before(async () => {
  cluster = await startTestCluster({
    kubelet: { cpuManagerPolicy: 'static', reservedSystemCPUs: '0', cpuManagerReconcilePeriod: '100ms', topologyManagerPolicy: 'best-effort' },
  });
  await importBusybox(cluster);
  kubelet = join(cluster.dataDir, 'nodes/node-1/kubelet');
  await register();
});
async function register(): Promise<void> {
  plugin = await startPlugin({
    directory: join(kubelet, 'device-plugins'),
    resource,
    devices: [device('one', 0), device('two', 0)],
    allocate: (ids) => ({ envs: { WIDGETS: ids.join() }, devices: [{ containerPath: '/dev/widget', hostPath: '/dev/null', permissions: 'rw' }] }),
  });
}
after(async () => {
  plugin?.stop();
  await cluster?.down();
});

const allocatable = async (): Promise<string | undefined> => String((await cluster.get<Node>('node', 'node-1')).status?.allocatable?.[resource]);
const podOf = (name: string, container: Partial<Container>): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    nodeName: 'node-1',
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busybox, command: ['sleep', '1000'], ...container }],
  },
});
const ready = (name: string): Promise<string> => cluster.kubectl(['wait', 'pod', name, '--for=condition=Ready', '--timeout=60s']);
const cpusOf = async (name: string): Promise<string> =>
  (await cluster.kubectl(['exec', name, '--', 'grep', 'Cpus_allowed_list', '/proc/self/status'])).split(/\s+/)[1] ?? '';

interface ContainerResources {
  devices: { deviceIds: string[] }[];
  cpuIds: number[];
  dynamicResources: { claimNamespace: string; claimResources: { driverName: string; poolName: string; deviceName: string }[] }[];
}

async function podResources(): Promise<{ name: string; containers: ContainerResources[] }[]> {
  const client = new grpc.Client(`unix://${join(kubelet, 'pod-resources/kubelet.sock')}`, grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = definitionOf(messages, 'v1.PodResourcesLister')['List'] as grpc.MethodDefinition<object, object>;
  try {
    return await new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error, answer) =>
        error ? reject(error) : resolve((answer as { podResources: Awaited<ReturnType<typeof podResources>> }).podResources),
      ),
    );
  } finally {
    client.close();
  }
}

test('a container gets the devices of a plugin', async () => {
  await eventually('the devices in the status of the node', async () => (await allocatable()) === '2');
  await cluster.apply(podOf('widgets', { resources: { limits: { [resource]: '1' } } }));
  await ready('widgets');
  const seen = await cluster.kubectl(['exec', 'widgets', '--', 'sh', '-c', 'echo $WIDGETS; test -c /dev/widget && echo device']);
  assert.match(seen, /^(one|two)\ndevice\n$/);
  const found = (await podResources()).find(({ name }) => name === 'widgets');
  assert.deepEqual(found?.containers[0]?.devices[0]?.deviceIds, [seen.split('\n')[0]]);

  await cluster.apply(podOf('greedy', { resources: { limits: { [resource]: '2' } } }));
  const pod = await eventually('the refusal', async () => {
    const refused = await cluster.get<Pod>('pod', 'greedy');
    return refused.status?.phase === 'Failed' && refused;
  });
  assert.equal(pod.status?.reason, 'UnexpectedAdmissionError');
  assert.match(pod.status?.message ?? '', /requested number of devices unavailable for example.com\/widget. Requested: 2, Available: 1, which is unexpected$/);
});

test('a guaranteed pod that asks for a whole CPU has it alone', async () => {
  await cluster.apply(podOf('shared', {}));
  await ready('shared');
  const all = await cpusOf('shared');
  const own = { cpu: '1', memory: '32Mi' };
  await cluster.apply(podOf('alone', { resources: { limits: own, requests: own } }));
  await ready('alone');
  const alone = await cpusOf('alone');
  assert.match(alone, /^[1-9]\d*$/);
  await eventually('the others to leave that CPU', async () => (await cpusOf('shared')) !== all);
  assert.deepEqual((await podResources()).find(({ name }) => name === 'alone')?.containers[0]?.cpuIds, [Number(alone)]);
  await cluster.kubectl(['delete', 'pod', 'alone', '--wait']);
  await eventually('the CPU for all again', async () => (await cpusOf('shared')) === all);
});

test('what containers have outlives the agent, and its plugins come back', async () => {
  const before = (await podResources()).find(({ name }) => name === 'widgets');
  const started = async (): Promise<unknown> => (await cluster.get<Pod>('pod', 'widgets')).status?.containerStatuses?.[0]?.containerID;
  const container = await started();
  const { processes } = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout) as { processes: { name: string; pid: number }[] };
  process.kill(processes.find(({ name }) => name === 'node-1/agent')?.pid ?? Number.NaN, 'SIGKILL');
  await eventually('the plugin to be gone', async () => (await allocatable()) === '0');
  plugin.stop();
  await register();
  await eventually('the devices again', async () => (await allocatable()) === '2');
  assert.deepEqual(
    (await podResources()).find(({ name }) => name === 'widgets'),
    before,
  );
  assert.equal(await started(), container);
});

test('a plugin that is gone leaves nothing to be had', async () => {
  plugin.stop();
  await eventually('no healthy devices', async () => (await allocatable()) === '0');
});

test('a driver of dynamic resources prepares what a pod claims, and hears of its end', async (t) => {
  const driver = 'gpu.example.com';
  const started = await startDriver({
    name: driver,
    socket: join(kubelet, 'plugins', driver, 'dra.sock'),
    announce: join(kubelet, 'plugins_registry', `${driver}-reg.sock`),
    devices: [{ requestNames: ['gpu'], poolName: 'node-1', deviceName: 'one' }],
  });
  t.after(started.stop);
  await eventually('the registration', async () => started.state.told?.pluginRegistered === true);
  const apiVersion = 'resource.k8s.io/v1';
  const request = { name: 'gpu', exactly: { deviceClassName: driver } };
  for (const [kind, spec] of Object.entries({
    DeviceClass: { selectors: [{ cel: { expression: `device.driver == '${driver}'` } }] },
    ResourceSlice: { driver, nodeName: 'node-1', pool: { name: 'node-1', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'one' }] },
    ResourceClaimTemplate: { spec: { devices: { requests: [request] } } },
  }))
    await cluster.apply({ apiVersion, kind, metadata: { name: driver }, spec });
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'claims' },
    spec: {
      terminationGracePeriodSeconds: 0,
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: driver }],
      containers: [{ name: 'main', image: busybox, command: ['sleep', '1000'], resources: { claims: [{ name: 'gpu' }] } }],
    },
  });
  await ready('claims');
  assert.match(started.calls.join(), /^v1\.DRAPlugin prepare claims-gpu-\w+$/);
  const found = (await podResources()).find(({ name }) => name === 'claims')?.containers[0]?.dynamicResources[0]?.claimResources;
  assert.deepEqual(found, [{ cdiDevices: [], driverName: driver, poolName: 'node-1', deviceName: 'one', shareId: '' }]);
  await cluster.kubectl(['delete', 'pod', 'claims', '--wait']);
  // Without a grace period the API forgets the pod before it has ended.
  const end = await eventually('the end', async () => started.calls[1]);
  assert.match(end, /^v1\.DRAPlugin unprepare claims-gpu-\w+$/);
});
