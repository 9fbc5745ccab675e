/** `up`, `status`, `down`: one node and what it leaves behind. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, ok, run, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';
import { leftovers } from './leftovers.ts';

let cluster: TestCluster;
let down = false;
before(async () => {
  cluster = await startTestCluster();
});
after(async () => {
  if (!down) await cluster.down();
});

test('up on a running cluster does nothing', async () => {
  const before = await cluster.knarr(['status', '--output', 'json']);
  const again = await cluster.knarr(['up', '--kubeconfig', 'none']);
  assert.equal(again.code, 0, again.stderr);
  const after = await cluster.knarr(['status', '--output', 'json']);
  assert.deepEqual(JSON.parse(after.stdout).processes, JSON.parse(before.stdout).processes);
});

test('status tells processes and nodes, for people and as JSON', async () => {
  const status = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
  assert.equal(status.ready, true);
  assert.deepEqual(
    status.processes.map(({ name }: { name: string }) => name),
    ['supervisor', 'server', 'node-1/containerd', 'node-1/agent'],
  );
  assert.deepEqual(status.nodes, [{ name: 'node-1', ready: true }]);
  assert.match((await cluster.knarr(['status'])).stdout, /node node-1 +Ready/);
});

test('up refuses to change the shape of a cluster that exists', async () => {
  const result = await cluster.knarr(['up', '--nodes', '3', '--kubeconfig', 'none']);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /^knarr: .*nodes/);
});

test('a second cluster on the same port is refused in one sentence', async () => {
  const result = await run(join(import.meta.dirname, '../../knarr'), [
    'up',
    '--control-plane-only',
    '--data-dir',
    join(cluster.dataDir, 'other'),
    '--port',
    String(cluster.port),
    '--kubeconfig',
    'none',
  ]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, new RegExp(`knarr: port ${cluster.port} is in use`));
  assert.equal(existsSync(join(cluster.dataDir, 'other/cluster.json')), false);
});

test('a data directory of a newer version is left alone', async () => {
  const directory = join(cluster.dataDir, 'newer');
  await ok('sh', ['-c', `mkdir ${directory} && echo 99 >${directory}/VERSION`]);
  const result = await run(join(import.meta.dirname, '../../knarr'), ['up', '--control-plane-only', '--data-dir', directory, '--kubeconfig', 'none']);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /was written by a newer knarr/);
  assert.deepEqual(readdirSync(directory), ['VERSION']);
});

test('images that were imported are listed', async () => {
  await importBusybox(cluster);
  const nodes = JSON.parse((await run(join(import.meta.dirname, '../../knarr'), ['images', 'list', '--data-dir', cluster.dataDir, '--output', 'json'])).stdout);
  assert.ok(nodes[0].images.some(({ names }: { names: string[] }) => names.includes(busybox)));
});

test('what dies is started again: server, agent and containerd', async () => {
  const pidOf = async (name: string): Promise<number> =>
    JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout).processes.find((one: { name: string }) => one.name === name)?.pid;
  for (const name of ['server', 'node-1/agent', 'node-1/containerd']) {
    const pid = await pidOf(name);
    process.kill(pid, 'SIGKILL');
    await eventually(`${name} runs again`, async () => {
      const now = await pidOf(name);
      return now !== undefined && now !== pid;
    });
  }
  await eventually('the cluster is ready again', async () => {
    const status = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
    return status.ready && status.nodes[0]?.ready;
  });
});

test('down leaves no process, mount, namespace, rule, interface or cgroup, and up brings the same cluster back', async () => {
  await cluster.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b']);
  await cluster.kubectl(['run', 'busy', `--image=${busybox}`, '--restart=Never', '--command', '--', 'sleep', '3600']);
  await eventually('the pod runs', async () => (await cluster.get<{ status: { phase: string } }>('pod', 'busy')).status.phase === 'Running');
  const { id } = JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { id: string };
  const stopped = await cluster.knarr(['down']);
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.deepEqual(await leftovers(id, cluster.dataDir), []);
  const back = await cluster.knarr(['up', '--kubeconfig', 'none', '--wait', '60s']);
  assert.equal(back.code, 0, back.stderr);
  assert.equal(await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}']), 'b');
  await cluster.down();
  down = true;
  assert.deepEqual(await leftovers(id, cluster.dataDir), []);
});
