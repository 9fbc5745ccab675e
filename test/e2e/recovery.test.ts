/** What dies at once, at any moment: server, agent, containerd, supervisor. The cluster goes on, nothing restarts that need not, nothing is lost. Two nodes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertKept, moreThan, startWriters } from '../support/writers.ts';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';
import { leftovers } from './leftovers.ts';

interface PodList {
  items: {
    metadata: { name: string; uid: string };
    spec: { nodeName: string };
    status: { phase: string; podIP: string; containerStatuses?: { restartCount: number; containerID: string; ready: boolean }[] };
  }[];
}
interface Status {
  ready: boolean;
  nodes: { name: string; ready: boolean }[];
  processes: { name: string; pid: number }[];
}

let cluster: TestCluster;
let down = false;
/** Tells the containers of this test from all other processes of the machine. */
let marker: string;
let kubeconfig: string;

before(async () => {
  cluster = await startTestCluster({ nodes: 2 });
  kubeconfig = join(cluster.dataDir, 'admin.kubeconfig');
  marker = String(1_000_000 + cluster.port);
  await importBusybox(cluster);
  await deploy('steady', 4);
});
after(async () => {
  if (!down) await cluster.down();
});

/** A deployment that is available when this resolves. */
async function deploy(name: string, replicas: number): Promise<void> {
  const spec = {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: name } } },
        ],
        containers: [{ name: 'main', image: busybox, command: ['sleep', name === 'steady' ? marker : '3600'] }],
      },
    },
  };
  await cluster.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
  await cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=60s']);
}

const status = async (): Promise<Status> => JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
const pidOf = async (name: string): Promise<number> => {
  const pid = (await status()).processes.find((one) => one.name === name)?.pid;
  assert.ok(pid, `${name} does not run`);
  return pid;
};

/** Host pids of the containers' own processes. */
const containerPids = (): string[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${marker}\0`;
      } catch {
        return false; // it ended meanwhile
      }
    })
    .sort();

/** What must not change when something that is no container dies. */
async function steady(): Promise<unknown> {
  const { items } = await cluster.get<PodList>('pods', '-l', 'app=steady');
  const pods = items
    .map(({ metadata, spec, status: { phase, podIP, containerStatuses = [] } }) => ({
      uid: metadata.uid,
      node: spec.nodeName,
      phase,
      ip: podIP,
      containers: containerStatuses.map(({ containerID, restartCount, ready }) => ({ containerID, restartCount, ready })),
    }))
    .sort((a, b) => a.uid.localeCompare(b.uid));
  return { pods, pids: containerPids() };
}

/** Kills at once, and resolves when the supervisor has started it again. */
async function kill(...names: string[]): Promise<void> {
  const pids = await Promise.all(names.map(pidOf));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await eventually(`${names.join(', ')} again`, async () => {
    const { processes } = await status();
    return names.every((name) => processes.some((one) => one.name === name && one.pid !== undefined && !pids.includes(one.pid)));
  });
}

const others = (list: Status['processes']): Status['processes'] => list.filter(({ name }) => name !== 'supervisor').map(({ name, pid }) => ({ name, pid }));

const ready = (): Promise<true> =>
  eventually('server and nodes are ready', async () => {
    const now = await status();
    return now.ready && now.nodes.length === 2 && now.nodes.every((node) => node.ready);
  });

test('a server killed under load has kept every acknowledged write, and the cluster goes on', async () => {
  const before = await steady();
  const writers = await startWriters(kubeconfig, 8);
  for (let round = 0; round < 2; round++) {
    await sleep(500);
    await moreThan(writers, 30 * (round + 1));
    await kill('server');
    await eventually('it answers', async () => (await cluster.tryKubectl(['get', '--raw', '/readyz'])).code === 0);
  }
  await sleep(500);
  await assertKept(kubeconfig, await writers.stop());
  assert.deepEqual(await steady(), before);
  await deploy('after-server', 2);
});

test('an agent killed leaves its containers running, and the next one adopts them as they are', async () => {
  const before = await steady();
  await kill('node-1/agent', 'node-2/agent');
  await deploy('after-agent', 2); // on both nodes: the new agents work
  assert.deepEqual(await steady(), before);
  const [pod] = (await cluster.get<PodList>('pods', '-l', 'app=steady')).items;
  assert.equal(await cluster.kubectl(['exec', pod?.metadata.name ?? '', '--', 'echo', 'hello']), 'hello\n');
});

test('a pod deleted while no agent runs is gone when the next one comes', async () => {
  const [pod] = (await cluster.get<PodList>('pods', '-l', 'app=after-agent')).items;
  const agent = `${pod?.spec.nodeName}/agent`;
  process.kill(await pidOf(agent), 'SIGKILL');
  await cluster.kubectl(['delete', 'deployment', 'after-agent', '--cascade=foreground', '--timeout=60s']);
  assert.deepEqual((await cluster.get<PodList>('pods', '-l', 'app=after-agent')).items, []);
});

test('containerd killed leaves the containers running', async () => {
  const before = await steady();
  await kill('node-1/containerd', 'node-2/containerd');
  await deploy('after-containerd', 2);
  await ready();
  assert.deepEqual(await steady(), before);
});

test('a supervisor killed: the next up adopts what runs, and looks after it', async () => {
  const before = await steady();
  const { processes } = await status();
  process.kill(await pidOf('supervisor'), 'SIGKILL');
  const alone = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
  assert.match(alone.problem, /^its supervisor is gone/);
  assert.deepEqual(others(alone.processes), others(processes));
  const up = await cluster.knarr(['up', '--kubeconfig', 'none', '--wait', '60s']);
  assert.equal(up.code, 0, up.stderr);
  assert.deepEqual(others((await status()).processes), others(processes));
  assert.deepEqual(await steady(), before);
  await kill('server', 'node-1/agent', 'node-2/containerd');
  await ready();
  await deploy('after-supervisor', 2);
  assert.deepEqual(await steady(), before);
});

test('everything killed at once: up brings it back, with the containers that ran', async () => {
  const before = await steady();
  const { processes } = await status();
  for (const { pid } of processes) process.kill(pid, 'SIGKILL');
  const up = await cluster.knarr(['up', '--kubeconfig', 'none', '--wait', '60s']);
  assert.equal(up.code, 0, up.stderr);
  await ready();
  await deploy('after-all', 2);
  assert.deepEqual(await steady(), before);
});

test('down without its supervisor leaves nothing', async () => {
  const { id } = JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { id: string };
  process.kill(await pidOf('supervisor'), 'SIGKILL');
  await cluster.down();
  down = true;
  assert.deepEqual(await leftovers(id, cluster.dataDir), []);
  assert.deepEqual(containerPids(), []);
});
