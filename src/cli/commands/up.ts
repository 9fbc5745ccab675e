/** `knarr up`: decides what the cluster is, starts its supervisor, waits until everything is ready. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { isSimulated, nodes as nodeKind } from '../../api/core/v1/node.ts';
import type { Node } from '../../api/core/v1/types.gen.ts';
import type { Client } from '../../client/client.ts';
import { credentialProviderFiles, readKubeletConfig } from '../../cluster/agent/kubeletconfig.ts';
import { type ClusterConfig, clusterId, defaultRanges, explainDisk, loadConfig, saveConfig, UserError } from '../../cluster/config.ts';
import { chooseSubnets, gatewayOf, gatewayOf6 } from '../../cluster/host/network.ts';
import { clusterLayout } from '../../cluster/layout.ts';
import { requireRuntime } from '../../cluster/runtimes.ts';
import type { ChildStatus } from '../../cluster/supervisor/child.ts';
import { runningPid } from '../../cluster/supervisor/child.ts';
import { askSupervisor } from '../../cluster/supervisor/control.ts';
import { agentName, serverSpec } from '../../cluster/supervisor/specs.ts';
import { apiServerFlagsOf, mergeFlags } from '../apiserverflags.ts';
import { adminClient, type ClusterOptions, dataDirOf, parseDuration } from '../cluster.ts';
import { type LifetimeOptions, simulatedNodesOf } from '../fakenodes.ts';
import { addContext, contextName, userKubeconfig } from '../kubeconfig.ts';
import { createProgress, type Progress } from '../progress.ts';
import { self } from '../self.ts';

export interface UpOptions extends ClusterOptions, LifetimeOptions {
  port?: number;
  nodes?: number;
  controlPlaneOnly?: boolean;
  fakeNodes?: number;
  isolated?: boolean;
  dualStack?: boolean;
  kubeletConfig?: string;
  imageCredentialProviderConfig?: string;
  imageCredentialProviderBinDir?: string;
  defaultRuntime?: string;
  kubeconfig?: string;
  schedulerConfig?: string;
  wait: string;
}

const defaultPort = 6443;
const pollMs = 20;
/** Where a look reads thousands of nodes. */
const pollManyMs = 300;

export async function up(options: UpOptions): Promise<void> {
  const progress = createProgress();
  const deadline = Date.now() + parseDuration(options.wait);
  const existing = loadConfig(dataDirOf(options));
  const config = existing ?? (await newCluster(options));
  if (existing) refuseChanges(existing, options);
  const kubelet = options.kubeletConfig ? readKubeletConfig(options.kubeletConfig) : undefined;
  const schedulerFile =
    options.schedulerConfig === undefined
      ? undefined
      : (await import('../../cluster/controlplane/schedulerconfig.ts')).readSchedulerFile(options.schedulerConfig);
  const given = apiServerFlagsOf(options);
  const flagged = Object.keys(given).length > 0;
  const apiServer = mergeFlags(config.apiServer, given);
  if (flagged) await (await import('../../cluster/controlplane/access.ts')).checkAccess(apiServer);
  const settings = {
    ...(flagged ? { apiServer } : {}),
    ...(kubelet ? { kubelet } : {}),
    ...(schedulerFile ? { schedulerFile } : {}),
    ...credentialProviderFiles(options),
    ...(options.defaultRuntime ? { defaultRuntime: requireRuntime(options.defaultRuntime) } : {}),
  };
  const anew = !isDeepStrictEqual({ ...config, ...settings }, config);
  Object.assign(config, settings);
  if (!config.controlPlaneOnly && process.getuid?.() !== 0) {
    throw new UserError('running containers needs root: sudo ./knarr up, or ./knarr up --control-plane-only for an API without nodes');
  }
  const layout = clusterLayout(config);
  const running = await askSupervisor(layout.supervisorSocket, { do: 'status' });
  if (!running) {
    // Where only the supervisor died, the port is held by the server that the next one adopts.
    if (runningPid(serverSpec(config, self()).pidFile) === undefined) await refusePortInUse(config.port);
    if (!existing || anew) saveConfig(config);
    startSupervisor(config);
  } else if (anew)
    throw new UserError(`the cluster '${config.name}' runs with another configuration of its API server, nodes or scheduler; 'knarr down' first`);
  await untilReady(config, deadline, progress);
  const kubeconfig = options.kubeconfig ?? userKubeconfig();
  if (kubeconfig !== 'none') addContext(config, kubeconfig);
  const use = kubeconfig === 'none' ? `export KUBECONFIG=${layout.adminKubeconfig}` : `kubectl config use-context ${contextName(config)}`;
  progress.done(`Cluster '${config.name}' is ready: https://127.0.0.1:${config.port}${nodesInWords(config)}. (${use})`);
}

function nodesInWords({ nodes: { length: real }, simulated, controlPlaneOnly }: ClusterConfig): string {
  const plural = (count: number): string => (count === 1 ? '' : 's');
  const parts = [
    ...(controlPlaneOnly ? [] : [`, ${real} node${plural(real)}`]),
    ...(simulated ? [`, ${simulated.count} simulated node${plural(simulated.count)}`] : []),
  ];
  return parts.join('');
}

async function newCluster(options: UpOptions): Promise<ClusterConfig> {
  const dualStack = options.dualStack ?? false;
  const dataDir = dataDirOf(options);
  // Simulated nodes stand for real ones, unless both are asked for.
  const controlPlaneOnly = options.controlPlaneOnly ?? (options.fakeNodes !== undefined && options.nodes === undefined);
  const subnets = controlPlaneOnly ? undefined : await chooseSubnets();
  if (subnets && dualStack && !existsSync('/proc/sys/net/ipv6')) throw new UserError('--dual-stack: the kernel of this machine has IPv6 switched off');
  const base = subnets ? gatewayOf(subnets.bridgeSubnet).replace(/1$/, '') : '';
  const base6 = subnets && dualStack ? gatewayOf6(subnets.bridgeSubnet6).replace(/1$/, '') : '';
  const count = controlPlaneOnly ? 0 : (options.nodes ?? 1);
  if (count > 200) throw new UserError('--nodes: at most 200 on one machine', 2);
  return {
    name: options.name,
    id: clusterId(dataDir),
    dataDir,
    port: options.port ?? defaultPort,
    controlPlaneOnly,
    isolated: options.isolated ?? false,
    ...(subnets ? { bridgeSubnet: subnets.bridgeSubnet } : {}),
    ...(subnets && dualStack ? { bridgeSubnet6: subnets.bridgeSubnet6 } : {}),
    ...defaultRanges(dualStack, subnets),
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    nodes: Array.from({ length: count }, (_, index) => ({
      name: `node-${index + 1}`,
      ip: `${base}${index + 11}`,
      ...(base6 ? { ip6: `${base6}${index + 11}` } : {}),
    })),
    ...(options.fakeNodes ? { simulated: simulatedNodesOf(options.fakeNodes, options) } : {}),
  };
}

/** A cluster keeps the shape that it was made with. */
function refuseChanges(config: ClusterConfig, options: UpOptions): void {
  const changed = [
    options.port !== undefined && options.port !== config.port ? `--port ${config.port}` : '',
    options.nodes !== undefined && options.nodes !== config.nodes.length ? `--nodes ${config.nodes.length}` : '',
    options.controlPlaneOnly && !config.controlPlaneOnly ? 'nodes' : '',
    options.isolated && !config.isolated ? 'no --isolated' : '',
    options.dualStack && !config.serviceCidr.includes(',') ? 'no --dual-stack' : '',
    options.fakeNodes !== undefined && options.fakeNodes !== config.simulated?.count
      ? `${config.simulated ? '' : 'no '}--fake-nodes ${config.simulated?.count ?? ''}`.trim()
      : '',
  ].filter(Boolean);
  if (changed.length > 0) {
    throw new UserError(`the cluster '${config.name}' was made with ${changed.join(', ')}; 'knarr down --purge' deletes it, --name makes another`);
  }
}

function refusePortInUse(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new UserError(`port ${port} is in use on this machine; --port names another`));
      else if (error.code === 'EACCES') reject(new UserError(`you may not listen on port ${port}; --port names another`));
      else reject(error);
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

function startSupervisor(config: ClusterConfig): void {
  const { logs } = clusterLayout(config);
  try {
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    const log = openSync(join(logs, 'supervisor.log'), 'a', 0o600);
    const { program, args } = self();
    spawn(program, [...args, 'supervise', '--data-dir', config.dataDir], { detached: true, stdio: ['ignore', log, log], cwd: '/' }).unref();
    closeSync(log);
  } catch (error) {
    throw explainDisk(error, config.dataDir);
  }
}

/** Polls: the supervisor's socket, the kubeconfig, `/readyz`, nodes; over one connection as soon as there is a server. */
async function untilReady(config: ClusterConfig, deadline: number, progress: Progress): Promise<void> {
  const layout = clusterLayout(config);
  let waitingFor = 'the supervisor';
  let client: Client | undefined;
  try {
    while (Date.now() < deadline) {
      const supervisor = await askSupervisor(layout.supervisorSocket, { do: 'status' });
      if (supervisor?.problem) throw new UserError(supervisor.problem);
      const server = supervisor?.children.find((child) => child.name === 'server');
      if (server && server.restarts >= 3) throw new UserError(`the server does not stay up. Its last words:\n${tail(join(layout.logs, 'server.log'))}`);
      if (supervisor) {
        waitingFor = 'the API server';
        if (!client && existsSync(layout.adminKubeconfig)) client = await adminClient(config);
        if (client) waitingFor = await missing(config, client, supervisor.children);
      }
      if (waitingFor === '') return;
      progress.step(`Waiting for ${waitingFor}`);
      await sleep(config.simulated ? pollManyMs : pollMs);
    }
  } finally {
    await client?.close();
  }
  throw new UserError(`${waitingFor} did not become ready in time; 'knarr status' and 'knarr logs COMPONENT' tell more`);
}

const tail = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n') : '(no log)');

/** What is not ready yet, in words; empty when all is. */
async function missing(config: ClusterConfig, client: Client, children: readonly ChildStatus[]): Promise<string> {
  try {
    await client.raw('GET', '/readyz');
    const { items } = await client.resource(nodeKind).list('');
    const rest = config.nodes.filter(({ name }) => {
      const agent = children.find((child) => child.name === agentName(name));
      return !items.some((node) => node.metadata.name === name && saysReady(node, agent?.startedAt));
    });
    if (rest.length === 0 && config.simulated) return missingSimulated(config.simulated.count, items);
    return rest.length === 0 ? '' : `node${rest.length === 1 ? '' : 's'} ${rest.map(({ name }) => name).join(', ')}`;
  } catch {
    return 'the API server';
  }
}

function missingSimulated(count: number, items: readonly Node[]): string {
  const ready = items.filter(
    (node) => isSimulated(node) && isReady(node) && !node.spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/')),
  ).length;
  return ready >= count ? '' : `simulated nodes (${ready} of ${count})`;
}

/** Whether the agent that runs now says so: after a `down`, what the one before said still stands. Heartbeats are whole seconds. */
function saysReady(node: Node, since: string | undefined): boolean {
  const ready = node.status?.conditions?.find((one) => one.type === 'Ready');
  return ready?.status === 'True' && since !== undefined && Date.parse(ready.lastHeartbeatTime ?? '') + 1_000 > Date.parse(since);
}

const isReady = ({ status }: Node): boolean => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
