/** A node as its configuration and its manifests say: static pods, settings, images that nobody uses. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '../../src/api/core/v1/types.gen.ts';
import { imageArchive } from '../../src/cluster/images/archive.ts';
import { eventually, ok, root, startTestCluster, type TestCluster, writeKubeletConfig } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

let cluster: TestCluster;
before(async () => {
  // Every disk is fuller than that: what nobody uses goes as soon as somebody looks.
  cluster = await startTestCluster({
    kubelet: { maxPods: 23, podPidsLimit: 60, imageGCHighThresholdPercent: 1, imageGCLowThresholdPercent: 0, imageMinimumGCAge: '0s' },
  });
  await importBusybox(cluster);
});
after(() => cluster.down());

const manifest = (says: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: busybox, command: ['sh', '-c', `echo ${says}; exec sleep 1000`] }] },
  });
const mirror = (): Promise<Pod> => cluster.get<Pod>('pod', 'web-node-1');
const running = async (): Promise<Pod | undefined> => {
  const pod = await mirror();
  return pod.status?.phase === 'Running' && !pod.metadata.deletionTimestamp ? pod : undefined;
};

test('a static pod runs, and the API has a mirror of it that comes back', async () => {
  const manifests = join(cluster.dataDir, 'manifests');
  await mkdir(manifests, { recursive: true });
  await writeFile(join(manifests, 'bad.yaml'), 'no: [pod');
  await writeFile(join(manifests, 'web.json'), manifest('one'));
  const pod = await eventually('the mirror pod', running);
  assert.equal(pod.metadata.annotations?.['kubernetes.io/config.source'], 'file');
  assert.equal(pod.metadata.ownerReferences?.[0]?.kind, 'Node');
  const container = pod.status?.containerStatuses?.[0]?.containerID;

  await cluster.kubectl(['delete', 'pod', 'web-node-1', '--wait=false']);
  const again = await eventually('another mirror pod', async () => {
    const found = await running();
    return found?.metadata.uid === pod.metadata.uid ? undefined : found;
  });
  assert.equal(again.status?.containerStatuses?.[0]?.containerID, container, 'the pod itself does not notice');

  await writeFile(join(manifests, 'web.json'), manifest('two'));
  await eventually('the changed pod', async () => (await running()) && (await cluster.kubectl(['logs', 'web-node-1'])) === 'two\n');
});

test('the kubelet runs with the configuration that it was given', async () => {
  const node = await cluster.get<{ status: { allocatable: Record<string, string> } }>('node', 'node-1');
  assert.equal(node.status.allocatable['pods'], '23');
  const { kubeletconfig } = JSON.parse(await cluster.kubectl(['get', '--raw', '/api/v1/nodes/node-1/proxy/configz']));
  assert.deepEqual([kubeletconfig.maxPods, kubeletconfig.podPidsLimit, kubeletconfig.imageMinimumGCAge], [23, 60, '0s']);
  const forks = 'i=0; while [ $i -lt 100 ]; do sleep 9 & i=$((i+1)); done; wait';
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'forks' },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: busybox, command: ['sh', '-c', forks] }] },
  });
  await eventually('the end of a pod that forks without end', async () => (await cluster.get<Pod>('pod', 'forks')).status?.phase === 'Failed');
  assert.match(await cluster.kubectl(['logs', 'forks']), /can't fork/);
});

test('what containers use is told, with the time when it was so', async () => {
  const text = await cluster.kubectl(['get', '--raw', '/api/v1/nodes/node-1/proxy/metrics/cadvisor']);
  for (const line of [
    /^container_cpu_usage_seconds_total\{container="main",cpu="total",id="[^"]+",image="[^"]+",name="[0-9a-f]{64}",namespace="default",pod="web-node-1"\} [\d.e+-]+ \d{13}$/m,
    /^container_memory_working_set_bytes\{.*pod="web-node-1"\} \d+ \d{13}$/m,
    /^container_network_receive_bytes_total\{.*interface="eth0",.*pod="web-node-1"\} \d+ \d{13}$/m,
  ])
    assert.ok(line.test(text), String(line));
  const { pods } = JSON.parse(await cluster.kubectl(['get', '--raw', '/api/v1/nodes/node-1/proxy/stats/summary']));
  const web = pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === 'web-node-1');
  assert.ok(web.containers[0].logs.usedBytes > 0);
});

test('a configuration that can not be is refused with all that is wrong', async () => {
  const file = writeKubeletConfig(cluster.dataDir, { maxPods: 'many', clusterDNS: ['10.0.0.1'], nonsense: 1 });
  const { code, stderr } = await cluster.knarr(['up', '--kubeconfig', 'none', '--kubelet-config', file]);
  assert.equal(code, 2);
  assert.deepEqual(stderr.trim().split('\n').slice(1), [
    "  clusterDNS can't be set: the cluster settles it by itself",
    '  maxPods: whole number expected, not string',
    '  strict decoding error: unknown field "nonsense"',
  ]);
});

test('images that nobody uses are removed when the disk is full', async () => {
  const spare = 'docker.io/library/knarr-spare:test';
  const archive = join(cluster.dataDir, 'spare.tar');
  await writeFile(archive, await imageArchive({ names: [spare], config: { Cmd: ['/spare'] }, entries: [{ path: 'spare', content: Buffer.from('spare') }] }));
  await cluster.importImage(archive);
  const images = async (): Promise<string[]> => {
    const nodes = JSON.parse(await ok(join(root, 'knarr'), ['images', 'list', '--data-dir', cluster.dataDir, '--output', 'json']));
    return nodes[0].images.flatMap(({ names }: { names: string[] }) => names);
  };
  assert.ok((await images()).includes(spare));
  // The first look comes with the start of the agent.
  const { processes } = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
  process.kill(processes.find(({ name }: { name: string }) => name === 'node-1/agent').pid, 'SIGKILL');
  await eventually('the removal of the image', async () => !(await images()).includes(spare));
  const left = await images();
  assert.ok(left.includes(busybox), 'in use');
  assert.ok(
    left.some((name) => name.includes('pause')),
    'of the sandboxes',
  );
});

test('a static pod ends with its manifest', async () => {
  await rm(join(cluster.dataDir, 'manifests/web.json'));
  await eventually('the end of the mirror pod', async () => (await cluster.tryKubectl(['get', 'pod', 'web-node-1'])).stderr.includes('NotFound'));
});
