/** README's tour: the guestbook, from the first visitor to a new version, with pods and an agent that die on the way. Two nodes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, ok, root, run, startTestCluster, type TestCluster } from './cluster.ts';

interface PodList {
  items: {
    metadata: { name: string; uid: string };
    spec: { nodeName: string };
    status: { phase: string; podIP: string; containerStatuses?: { restartCount: number }[] };
  }[];
}

const guestbook = join(root, 'examples/guestbook');
let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ nodes: 2 });
  const archives = join(cluster.dataDir, 'guestbook');
  for (const archive of (await ok(join(guestbook, 'build-images.sh'), [archives])).trim().split('\n')) await cluster.importImage(archive);
});
after(() => cluster.down());

const nodeIps = (): string[] =>
  (JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { nodes: { ip: string }[] }).nodes.map(({ ip }) => ip);
const page = async (path = '/', init?: RequestInit): Promise<string> => {
  const response = await fetch(`http://${nodeIps()[0]}:30080${path}`, { ...init, headers: { connection: 'close' }, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return text;
};
const pods = (app: string): Promise<PodList> => cluster.get<PodList>('pods', '-n', 'guestbook', '-l', `app=${app}`);

test('it is applied, becomes available, and takes an entry through its NodePort', async () => {
  await cluster.kubectl(['apply', '-f', guestbook]);
  await cluster.kubectl(['-n', 'guestbook', 'rollout', 'status', 'deployment/store', '--timeout=60s']);
  await cluster.kubectl(['-n', 'guestbook', 'rollout', 'status', 'deployment/web', '--timeout=60s']);
  await page('/', { method: 'POST', body: 'Hello from the first visitor' });
  const text = await page();
  assert.match(text, /^The guestbook\nHello from the first visitor\n-- web v1 on web-/);
});

test('requests are spread over the three replicas', async () => {
  const hosts = new Set<string>();
  await eventually('every replica answers', async () => {
    hosts.add(/ on (\S+)/.exec(await page())?.[1] ?? '');
    return hosts.size === 3;
  });
});

test('pods that are killed are replaced, and the entries are still there', async () => {
  const before = [...(await pods('web')).items, ...(await pods('store')).items].map(({ metadata }) => metadata.uid);
  await cluster.kubectl(['-n', 'guestbook', 'delete', 'pods', '--all', '--wait=true', '--timeout=60s']);
  await cluster.kubectl(['-n', 'guestbook', 'rollout', 'status', 'deployment/store', '--timeout=60s']);
  await cluster.kubectl(['-n', 'guestbook', 'rollout', 'status', 'deployment/web', '--timeout=60s']);
  const after = [...(await pods('web')).items, ...(await pods('store')).items].map(({ metadata }) => metadata.uid);
  assert.deepEqual(
    after.filter((uid) => before.includes(uid)),
    [],
  );
  assert.match(await eventually('the page is served', () => page()), /Hello from the first visitor/);
});

test("a node's agent that is killed changes nothing for its containers", async () => {
  const steady = async (): Promise<unknown> =>
    (await pods('web')).items.map(({ metadata, status: { podIP, containerStatuses } }) => [
      metadata.uid,
      podIP,
      containerStatuses?.map(({ restartCount }) => restartCount),
    ]);
  await cluster.kubectl(['-n', 'guestbook', 'wait', 'pods', '--selector', 'app=web', '--for=condition=Ready', '--timeout=60s']);
  const before = await steady();
  const status = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
  const agent = status.processes.find(({ name }: { name: string }) => name === 'node-1/agent');
  process.kill(agent.pid, 'SIGKILL');
  // The agent answers its node's pods when they ask for a name: a page may fail until the next one does.
  assert.match(await eventually('the page is served', () => page()), /Hello from the first visitor/);
  await eventually('the agent is back', async () => {
    const now = JSON.parse((await cluster.knarr(['status', '--output', 'json'])).stdout);
    const { pid } = now.processes.find(({ name }: { name: string }) => name === 'node-1/agent');
    return pid && pid !== agent.pid;
  });
  // The new agent has looked at its node's pods when it has run and removed another one.
  await cluster.kubectl([
    '-n',
    'guestbook',
    'run',
    'probe',
    '--image=guestbook/web:v1',
    '--restart=Never',
    `--overrides=${JSON.stringify({ spec: { nodeName: 'node-1' } })}`,
  ]);
  await cluster.kubectl(['-n', 'guestbook', 'wait', 'pod', 'probe', '--for=jsonpath={.status.phase}=Running', '--timeout=60s']);
  await cluster.kubectl(['-n', 'guestbook', 'delete', 'pod', 'probe', '--grace-period=1', '--timeout=60s']);
  assert.deepEqual(await steady(), before);
});

test('a new version is rolled out without a failed request', async () => {
  let rolling = true;
  let requests = 0;
  const failures: string[] = [];
  const visitor = (async () => {
    while (rolling) {
      requests++;
      await page().catch((error: Error) => failures.push(error.message));
    }
  })();
  await cluster.kubectl(['-n', 'guestbook', 'set', 'image', 'deployment/web', 'web=guestbook/web:v2']);
  await cluster.kubectl(['-n', 'guestbook', 'rollout', 'status', 'deployment/web', '--timeout=120s']);
  rolling = false;
  await visitor;
  assert.deepEqual(failures, []);
  assert.ok(requests > 20, `${requests} requests`);
  const text = await eventually('only the new version answers', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => page()));
    return answers.every((answer) => answer.includes('-- web v2 on')) && answers[0];
  });
  assert.match(text, /Hello from the first visitor/);
});

test('the limited user sees the pods of its namespace and nothing else', async () => {
  const token = (await cluster.kubectl(['-n', 'guestbook', 'create', 'token', 'visitor'])).trim();
  const as = (...args: string[]) =>
    run(join(root, '.cache/tools/kubectl'), [
      '--kubeconfig=/dev/null',
      `--server=https://127.0.0.1:${cluster.port}`,
      `--certificate-authority=${join(cluster.dataDir, 'pki/ca.crt')}`,
      `--token=${token}`,
      ...args,
    ]);
  const seen = await as('-n', 'guestbook', 'get', 'pods', '-o', 'name');
  assert.equal(seen.code, 0, seen.stderr);
  assert.equal(seen.stdout.trim().split('\n').filter(Boolean).length >= 4, true);
  for (const [args, what] of [
    [['get', 'pods'], 'cannot list resource "pods" in API group "" in the namespace "default"'],
    [['-n', 'guestbook', 'get', 'secrets'], 'cannot list resource "secrets" in API group "" in the namespace "guestbook"'],
    [['-n', 'guestbook', 'delete', 'deployment', 'web'], 'cannot delete resource "deployments" in API group "apps" in the namespace "guestbook"'],
  ] as const) {
    const refused = await as(...args);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`Error from server \\(Forbidden\\).*"system:serviceaccount:guestbook:visitor" ${what.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')}`),
    );
  }
});
