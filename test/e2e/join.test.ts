/** Machines of their own: a control plane in one network namespace, a node that joins with a token in another. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clusterId } from '../../src/cluster/config.ts';
import { removeCgroup, unmountBelow } from '../../src/cluster/host/cleanup.ts';
import { nodeLayout } from '../../src/cluster/layout.ts';
import { runningPid } from '../../src/cluster/supervisor/child.ts';
import { joinedContainerdSpec } from '../../src/cluster/supervisor/specs.ts';
import { stopPods } from '../../src/cluster/supervisor/stoppods.ts';
import { eventually, ok, root, run } from './cluster.ts';

const prefix = `knarr-join-${process.pid}`;
const [serverSpace, nodeSpace] = [`${prefix}-s`, `${prefix}-n`];
const directory = mkdtempSync(join(tmpdir(), 'knarr-join-'));
const serverData = join(directory, 'server');
const nodeData = join(directory, 'node');
const url = 'https://10.99.7.1:6443';
const children: ChildProcess[] = [];

function start(space: string, name: string, args: string[]): ChildProcess {
  const log = openSync(join(directory, `${name}.log`), 'a');
  const child = spawn('nsenter', [`--net=/run/netns/${space}`, join(root, 'knarr'), ...args], { stdio: ['ignore', log, log] });
  children.push(child);
  return child;
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exited;
}

const inServer = (program: string, args: string[]) => run('nsenter', [`--net=/run/netns/${serverSpace}`, program, ...args]);
const kubectl = async (...args: string[]): Promise<string> => {
  const result = await inServer(join(root, '.cache/tools/kubectl'), ['--kubeconfig', join(serverData, 'admin.kubeconfig'), ...args]);
  if (result.code !== 0) throw new Error(result.stderr);
  return result.stdout;
};
const logOf = (name: string): string => readFileSync(join(directory, `${name}.log`), 'utf8').slice(-2_000);

before(async () => {
  for (const space of [serverSpace, nodeSpace]) await ok('ip', ['netns', 'add', space]);
  await ok('ip', ['-n', serverSpace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', nodeSpace]);
  for (const [index, space] of [serverSpace, nodeSpace].entries()) {
    await ok('ip', ['-n', space, 'addr', 'add', `10.99.7.${index + 1}/24`, 'dev', 'eth0']);
    for (const link of ['lo', 'eth0']) await ok('ip', ['-n', space, 'link', 'set', link, 'up']);
  }
  start(serverSpace, 'server', ['server', '--data-dir', serverData, '--listen', '10.99.7.1', '--advertise-address', '10.99.7.1']);
  await eventually('the server is ready', async () => (await kubectl('get', '--raw', '/readyz')) === 'ok');
});

after(async () => {
  for (const child of children.reverse()) await stop(child);
  const layout = nodeLayout({ dataDir: nodeData, id: clusterId(nodeData) }, 'joined');
  await stopPods(layout.containerdSocket).catch(() => {});
  await removeCgroup(`/knarr-${clusterId(nodeData)}`);
  await unmountBelow(directory);
  await unmountBelow(join(layout.containerdState, '..'));
  for (const space of [serverSpace, nodeSpace]) await ok('ip', ['netns', 'del', space]);
  rmSync(directory, { recursive: true, force: true });
  rmSync(join(layout.containerdState, '../..'), { recursive: true, force: true });
});

test('a wrong token is refused in one sentence, and nothing is left behind', async () => {
  const result = await run('nsenter', [
    `--net=/run/netns/${nodeSpace}`,
    join(root, 'knarr'),
    'agent',
    '--server',
    url,
    '--token',
    'abcdef.0123456789abcdef',
    '--data-dir',
    nodeData,
    '--node',
    'joined',
  ]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /^knarr: the server https:\/\/10\.99\.7\.1:6443 does not know this token, or it has expired/m);
});

test('a machine joins with a token, and becomes Ready', async () => {
  const token = (await inServer(join(root, 'knarr'), ['token', 'create', '--data-dir', serverData])).stdout.trim();
  assert.match(token, /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  await eventually('the token is signed', async () =>
    (await kubectl('-n', 'kube-public', 'get', 'configmap', 'cluster-info', '-o', 'yaml')).includes(`jws-kubeconfig-${token.slice(0, 6)}`),
  );
  const agent = start(nodeSpace, 'agent', ['agent', '--server', url, '--token', token, '--data-dir', nodeData, '--node', 'joined']);
  await eventually('the node is Ready', async () => {
    if (agent.exitCode !== null) throw new Error('the agent ended');
    return / Ready /.test(await kubectl('get', 'nodes', '--no-headers'));
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${logOf('agent')}`);
  });
  const request = await kubectl('get', 'csr', '-o', 'jsonpath={.items[0].spec.username} {.items[0].status.conditions[0].type}');
  assert.match(request, /^system:bootstrap:[a-z0-9]{6} Approved$/);
});

const again = (): ChildProcess => start(nodeSpace, 'agent', ['agent', '--server', url, '--data-dir', nodeData, '--node', 'joined']);
const containerd = (): number | undefined => runningPid(joinedContainerdSpec({ dataDir: nodeData, id: clusterId(nodeData) }, 'joined').pidFile);

test('an agent that is killed and starts again needs no token, and takes over its containerd', async () => {
  await stop(children.at(-1) as ChildProcess, 'SIGKILL');
  const [pid, before] = [containerd(), await kubectl('get', 'lease', '-n', 'kube-node-lease', 'joined', '-o', 'jsonpath={.spec.renewTime}')];
  assert.ok(pid);
  again();
  await eventually(
    'it renews its lease',
    async () => (await kubectl('get', 'lease', '-n', 'kube-node-lease', 'joined', '-o', 'jsonpath={.spec.renewTime}')) !== before,
  );
  assert.equal(containerd(), pid);
  process.kill(pid, 'SIGKILL');
  await eventually('another one runs', async () => ![undefined, pid].includes(containerd()));
});

test('an agent that is asked to end takes its containerd with it, also while it starts', async () => {
  await stop(children.at(-1) as ChildProcess);
  assert.equal(containerd(), undefined);
  const agent = again();
  await eventually('containerd runs', async () => containerd() !== undefined);
  await stop(agent);
  await eventually('it ends', async () => containerd() === undefined);
});
