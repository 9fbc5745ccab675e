/** What is measured of a node: through the API with whatever is its kubelet, and of the runtime alone over CRI. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { pods as podKind } from '../src/api/core/v1/pod.ts';
import { services } from '../src/api/core/v1/service.ts';
import type { Pod } from '../src/api/core/v1/types.gen.ts';
import { endpointslices } from '../src/api/discovery/v1/endpointslice.ts';
import { loadKubeconfig } from '../src/client/kubeconfig.ts';
import { createClient } from '../src/client/rest.ts';
import { readBody, type Transport } from '../src/client/transport.ts';
import type { ClusterConfig } from '../src/cluster/config.ts';
import { gatewayOf } from '../src/cluster/host/network.ts';
import { clusterLayout, nodeLayout } from '../src/cluster/layout.ts';
import { createCriClient } from '../src/kubelet/cri/client.ts';
import type { Figures } from './measure.ts';
import { usageOf } from './targets.ts';

const pauseImage = 'registry.k8s.io/pause:3.10.2';
export const busybox = 'docker.io/library/knarr-busybox:bench';
const logBytes = 120 * 400_000;
const waiting = 'trap "exit 0" TERM; while :; do sleep 1000 & wait $!; done';
const median = (all: number[]): number => all.sort((a, b) => a - b)[all.length >> 1] as number;

const podOf = (name: string, node: string, container: object = {}, labels = {}): Pod => ({
  metadata: { name, namespace: 'default', labels },
  spec: {
    nodeSelector: { 'kubernetes.io/hostname': node },
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: pauseImage, imagePullPolicy: 'IfNotPresent', ...container }],
  },
});
const isReady = ({ status }: Pod): boolean => status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

export interface NodeTarget {
  node: string;
  /** Of its agent. */
  pid: number;
  config: ClusterConfig;
  /** As administrator. */
  transport: Transport;
  /** How many pods are the many, and for how many seconds they are watched at rest. */
  pods: number;
  rest: number;
}

export async function measureNode({ node, pid, config, transport, pods, rest }: NodeTarget): Promise<Figures> {
  const client = createClient(transport, { userAgent: 'bench' });
  const resource = client.resource(podKind);
  const figures: Figures = new Map();

  /** Milliseconds until all are Ready. */
  async function start(pods: readonly Pod[]): Promise<number> {
    const stopping = new AbortController();
    const { resourceVersion = '' } = (await resource.list('default')).metadata;
    const events = resource.watch('default', { resourceVersion }, stopping.signal);
    const open = new Set(pods.map(({ metadata }) => metadata.name));
    const began = performance.now();
    const creating = Promise.all(pods.map((pod) => resource.create(pod)));
    for await (const { type, object } of events) {
      if (type === 'MODIFIED' && isReady(object)) open.delete(object.metadata.name);
      if (open.size === 0) break;
    }
    const took = performance.now() - began;
    stopping.abort();
    await creating;
    return took;
  }
  async function removeAll(): Promise<void> {
    const { items } = await resource.list('default');
    await Promise.all(items.map(({ metadata }) => resource.delete('default', metadata.name)));
    while ((await resource.list('default')).items.length > 0) await sleep(100);
    await sleep(1_500);
  }

  figures.set('resident when idle (MB)', usageOf([pid]).residentMb);
  const single: number[] = [];
  for (let index = 0; index < 5; index++) single.push(await start([podOf(`one-${index}`, node)]));
  figures.set('1 pod Ready (ms)', median(single.slice(1)));
  for (const count of [30, pods]) {
    await removeAll();
    figures.set(`${count} pods Ready (s)`, (await start(Array.from({ length: count }, (_, index) => podOf(`pod-${index}`, node)))) / 1000);
  }
  await sleep(5_000);
  const before = usageOf([pid]).cpuSeconds;
  await sleep(rest * 1000);
  figures.set(`CPU at rest with ${pods} pods (% of a core)`, ((usageOf([pid]).cpuSeconds - before) / rest) * 100);
  figures.set(`resident with ${pods} pods (MB)`, usageOf([pid]).residentMb);
  await removeAll();

  const line = 'x'.repeat(119);
  const script = `yes ${line} | head -c ${logBytes}; touch /tmp/done; ${waiting}`;
  await start([
    podOf('busy', node, {
      image: busybox,
      command: ['sh', '-c', script],
      readinessProbe: { exec: { command: ['test', '-e', '/tmp/done'] }, periodSeconds: 1 },
    }),
  ]);
  const path = '/api/v1/namespaces/default/pods/busy';
  const { transport: options } = await loadKubeconfig(clusterLayout(config).adminKubeconfig);
  const { cert, key } = typeof options.credentials === 'function' ? await options.credentials() : (options.credentials ?? {});
  const exec = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const url = `${options.server.replace('http', 'ws')}${path}/exec?command=true&stdout=true`;
      const socket = new WebSocket(url, 'v5.channel.k8s.io', { ca: options.ca, cert, key });
      socket
        .once('error', reject)
        .once('close', () => resolve())
        .resume();
    });
  const rounds: number[] = [];
  for (let index = 0; index < 20; index++) {
    const began = performance.now();
    await exec();
    rounds.push(performance.now() - began);
  }
  figures.set('exec round trip (ms)', median(rounds));
  const began = performance.now();
  const { length } = await readBody(await transport.request({ method: 'GET', path: `${path}/log` }));
  if (length !== logBytes) throw new Error(`the log has ${length} bytes`);
  figures.set('logs (MB/s)', length / 1e6 / ((performance.now() - began) / 1000));
  figures.set('failed probe to endpoint not ready (ms)', await probeToEndpoint());
  await removeAll();
  return figures;

  /** The probe asks this process, which so knows when it first failed. */
  async function probeToEndpoint(): Promise<number> {
    let failing = false;
    let failed = 0;
    const server = createServer((_, response) => {
      if (failing) failed ||= performance.now();
      response.writeHead(failing ? 500 : 200).end();
    });
    const host = gatewayOf(config.bridgeSubnet as string);
    const port = await new Promise<number>((resolve) => server.listen(0, host, () => resolve((server.address() as { port: number }).port)));
    const labels = { app: `probed-${node}` };
    await client.resource(services).create({ metadata: { name: labels.app, namespace: 'default' }, spec: { selector: labels, ports: [{ port: 80 }] } });
    const probe = { readinessProbe: { httpGet: { host, port }, periodSeconds: 1, failureThreshold: 1 } };
    const all: number[] = [];
    for (let index = 0; index < 5; index++) {
      [failing, failed] = [false, 0];
      await start([podOf(`probed-${index}`, node, probe, labels)]);
      const stopping = new AbortController();
      const query = { labelSelector: `kubernetes.io/service-name=${labels.app}` };
      for await (const event of client.resource(endpointslices).watch('default', query, stopping.signal)) {
        if (event.type === 'BOOKMARK' || event.type === 'ERROR') continue;
        const ready = event.object.endpoints?.some(({ conditions }) => conditions?.ready);
        if (ready) failing = true;
        else if (failed) break;
      }
      all.push(performance.now() - failed);
      stopping.abort();
      await resource.delete('default', `probed-${index}`);
    }
    server.close();
    return median(all);
  }
}

/** Sandbox, container and start of so many pods at once, without anybody between us and the runtime. */
export async function measureRuntime(config: ClusterConfig, many: number): Promise<Figures> {
  const layout = nodeLayout(config, 'node-1');
  const cri = createCriClient(layout.containerdSocket);
  const figures: Figures = new Map();
  for (const count of [1, 30, many]) {
    const one = async (index: number): Promise<string> => {
      const name = `bare-${count}-${index}`;
      const metadata = { name, namespace: 'bare', uid: name, attempt: 0 };
      const sandbox = { metadata, hostname: name, logDirectory: join(layout.podLogs, 'bare'), linux: { cgroupParent: `${layout.cgroupParent}/bare` } };
      const id = await cri.runPodSandbox({ config: sandbox, runtimeHandler: '' });
      const container = { metadata: { name: 'main', attempt: 0 }, image: { image: pauseImage }, logPath: `${name}.log` };
      await cri.startContainer(await cri.createContainer({ podSandboxId: id, config: container, sandboxConfig: sandbox }));
      return id;
    };
    const began = performance.now();
    const sandboxes = await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
    const took = performance.now() - began;
    figures.set(count === 1 ? '1 pod Ready (ms)' : `${count} pods Ready (s)`, count === 1 ? took : took / 1000);
    await Promise.all(sandboxes.map((id) => cri.stopPodSandbox(id).then(() => cri.removePodSandbox(id))));
  }
  cri.close();
  return figures;
}
