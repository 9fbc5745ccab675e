/**
 * What a node's agent costs and how quick it is; with --kubelet, upstream's kubelet beside it on the same machine, runtime and server, in
 * the same run; and the runtime alone. Needs root. Makes itself an isolated cluster: node-1 is knarr's, node-2 becomes upstream's.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { nodes } from '../src/api/core/v1/node.ts';
import { transportFromKubeconfig } from '../src/client/kubeconfig.ts';
import { createClient } from '../src/client/rest.ts';
import { type ClusterConfig, loadConfig } from '../src/cluster/config.ts';
import { gatewayOf } from '../src/cluster/host/network.ts';
import { busyboxImage } from '../src/cluster/images/builtin.ts';
import { clusterLayout, nodeLayout } from '../src/cluster/layout.ts';
import { runningPid, writePid } from '../src/cluster/supervisor/child.ts';
import { agentName } from '../src/cluster/supervisor/specs.ts';
import type { Figures } from './measure.ts';
import { busybox, measureNode, measureRuntime } from './nodefigures.ts';
import { freePort } from './targets.ts';

const { values } = parseArgs({
  options: { kubelet: { type: 'string' }, pods: { type: 'string', default: '100' }, rest: { type: 'string', default: '10' } },
});
const launcher = fileURLToPath(new URL('../knarr', import.meta.url));
const [pods, rest] = [Number(values.pods), Number(values.rest)];
const dataDir = mkdtempSync(join(tmpdir(), 'knarr-node-'));
const knarr = (...args: string[]): Promise<unknown> => promisify(execFile)(launcher, [...args, '--data-dir', dataDir]);

/** How full this machine's disk is must not matter, nor that a log of that size would be rotated. */
const settings = { evictionHard: { 'memory.available': '100Mi' }, imageGCHighThresholdPercent: 100, containerLogMaxSize: '200Mi' };

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void knarr('down', '--purge').finally(() => process.exit(1)));

const pidFileOf = (config: ClusterConfig, node: string): string => join(clusterLayout(config).run, `${agentName(node).replace('/', '-')}.pid`);

/** Upstream's kubelet wants to find its parent group in every hierarchy of cgroup v1, ready to be used. */
function makeCgroups(path: string): void {
  for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
    let at = join('/sys/fs/cgroup', hierarchy);
    if (!existsSync(join(at, 'tasks'))) continue;
    for (const part of path.split('/').filter(Boolean)) {
      const above = at;
      at = join(at, part);
      mkdirSync(at, { recursive: true });
      if (hierarchy === 'cpuset') for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(at, file), readFileSync(join(above, file)));
    }
  }
}

/** Upstream's kubelet in the place of that node's agent: same network namespace, runtime, certificates and Node. The supervisor adopts it. */
async function replaceAgent(config: ClusterConfig, node: string, kubelet: string): Promise<number> {
  const layout = nodeLayout(config, node);
  const file = (name: string, content: object): string => {
    const path = join(layout.root, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const pki = clusterLayout(config).pki;
  const { ip } = config.nodes.find(({ name }) => name === node) as { ip: string };
  const configuration = file('upstream.json', {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: layout.cgroupParent,
    oomScoreAdj: 0,
    containerRuntimeEndpoint: `unix://${layout.containerdSocket}`,
    podLogsDir: layout.podLogs,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: join(pki, 'ca.crt') } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(layout.pki, 'kubelet.crt'),
    tlsPrivateKeyFile: join(layout.pki, 'kubelet.key'),
    clusterDomain: 'cluster.local',
    resolvConf: join(layout.root, 'resolv.conf'),
    ...settings,
  });
  const kubeconfig = file('upstream.kubeconfig', {
    clusters: [
      {
        name: 'knarr',
        cluster: { server: `https://${gatewayOf(config.bridgeSubnet as string)}:${config.port}`, 'certificate-authority': join(pki, 'ca.crt') },
      },
    ],
    users: [{ name: node, user: { 'client-certificate': join(layout.pki, 'kubelet-client.crt'), 'client-key': join(layout.pki, 'kubelet-client.key') } }],
    contexts: [{ name: node, context: { cluster: 'knarr', user: node } }],
    'current-context': node,
  });
  makeCgroups(layout.cgroupParent);
  const log = openSync(join(clusterLayout(config).logs, 'upstream.log'), 'a');
  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${layout.networkNamespace}`,
      kubelet,
      ...[
        `--config=${configuration}`,
        `--kubeconfig=${kubeconfig}`,
        `--hostname-override=${node}`,
        `--node-ip=${ip}`,
        `--root-dir=${join(layout.root, 'upstream')}`,
      ],
    ],
    { stdio: ['ignore', log, log], detached: true },
  );
  closeSync(log);
  child.unref();
  const pidFile = pidFileOf(config, node);
  const agent = runningPid(pidFile) as number;
  writePid(pidFile, child.pid as number);
  process.kill(agent, 'SIGKILL');
  return child.pid as number;
}

try {
  const kubeletConfig = join(dataDir, 'kubelet.json');
  writeFileSync(kubeletConfig, JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', ...settings }));
  const nodeCount = values.kubelet ? '2' : '1';
  await knarr('up', '--isolated', '--kubeconfig', 'none', '--nodes', nodeCount, '--port', String(await freePort()), '--kubelet-config', kubeletConfig);
  const archive = join(dataDir, 'busybox.tar');
  writeFileSync(archive, await busyboxImage(busybox));
  await knarr('images', 'import', archive);
  const config = loadConfig(dataDir) as ClusterConfig;
  const transport = await transportFromKubeconfig(clusterLayout(config).adminKubeconfig);
  const client = createClient(transport, { userAgent: 'bench' });
  const figures = new Map<string, Figures>();
  const measured = async (name: string, measure: () => Promise<Figures>): Promise<void> => {
    figures.set(name, await measure());
    console.error(name, Object.fromEntries(figures.get(name) as Figures));
  };
  const about = { config, transport, pods, rest };
  await sleep(5_000);
  await measured('knarr', () => measureNode({ node: 'node-1', pid: runningPid(pidFileOf(config, 'node-1')) as number, ...about }));
  await measured('runtime', () => measureRuntime(config, pods));
  if (values.kubelet) {
    const pid = await replaceAgent(config, 'node-2', values.kubelet);
    await sleep(5_000);
    for (;;) {
      const { status } = await client.resource(nodes).get('', 'node-2');
      if (status?.nodeInfo?.kernelVersion && status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) break;
      await sleep(200);
    }
    await measured('upstream', () => measureNode({ node: 'node-2', pid, ...about }));
  }
  const names = [...figures.keys()];
  console.log(`| | ${names.join(' | ')} |\n| --- |${' ---: |'.repeat(names.length)}`);
  for (const name of figures.get('knarr')?.keys() ?? [])
    console.log(`| ${name} | ${names.map((of) => figures.get(of)?.get(name)?.toPrecision(3) ?? '').join(' | ')} |`);
} catch (error) {
  const log = join(dataDir, 'logs/upstream.log');
  if (existsSync(log)) console.error(readFileSync(log, 'utf8').slice(-3000));
  throw error;
} finally {
  await knarr('down', '--purge');
}
process.exit(0);
