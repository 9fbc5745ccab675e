/** Pods come and go on a real node whose agent and containerd are killed at random; what runs is what should, and nothing is left behind. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { secrets } from '../../../src/api/core/v1/secret.ts';
import { services } from '../../../src/api/core/v1/service.ts';
import type { Pod } from '../../../src/api/core/v1/types.gen.ts';
import { transportFromKubeconfig } from '../../../src/client/kubeconfig.ts';
import { createClient } from '../../../src/client/rest.ts';
import { eventually, startTestCluster, type TestCluster } from '../../e2e/cluster.ts';
import { importBusybox } from '../../e2e/images.ts';
import { leftovers } from '../../e2e/leftovers.ts';
import { during } from '../churn/during.ts';
import { insist, untilAnswered } from '../churn/insist.ts';
import { type Random, randomAt } from '../fuzz/random.ts';
import { inventory, nodeOf, readySandboxes, runningContainers, surplus } from './inventory.ts';
import { configName, main, podSpec } from './pods.ts';

export interface NodeChurnOptions {
  seed: number;
  milliseconds: number;
  /** Pods at once, at most. */
  pods: number;
}

export interface NodeChurnReport {
  created: number;
  deleted: number;
  kills: Record<string, number>;
}

const namespace = 'churn';
const steadyName = 'steady';
const firstPort = 20_000;
const patienceMs = 120_000;
const shown = 40;
const labels = { app: 'churn' };

/** Kills and waits for the supervisor, which starts again what died. */
async function killAtRandom(cluster: TestCluster, random: Random, signal: AbortSignal): Promise<Record<string, number>> {
  const kills: Record<string, number> = {};
  const pause = (atMost: number): Promise<void> => sleep(random.below(atMost), undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const victims = random.pick([['node-1/agent'], ['node-1/agent'], ['node-1/containerd'], ['node-1/containerd'], ['node-1/agent', 'node-1/containerd']]);
    const { stdout } = await cluster.knarr(['status', '--output', 'json']);
    const { processes } = JSON.parse(stdout) as { processes: { name: string; pid?: number }[] };
    await pause(2_000);
    if (signal.aborted) break;
    for (const { name, pid } of processes) {
      if (!pid || !victims.includes(name)) continue;
      try {
        process.kill(pid, 'SIGKILL');
        kills[name] = (kills[name] ?? 0) + 1;
      } catch {
        // It ended meanwhile by itself: it was killed while the one before could not yet be reached.
      }
    }
  }
  return kills;
}

const isRunning = ({ metadata, status }: Pod): boolean => status?.phase === 'Running' && metadata.deletionTimestamp === undefined;
/** Sidecars run as long as the pod's containers. */
const expectedContainers = ({ metadata, spec }: Pod): string[] =>
  [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')].map(({ name }) => `${metadata.uid}/${name}`);

export async function churnNode({ seed, milliseconds, pods: most }: NodeChurnOptions): Promise<NodeChurnReport> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = await startTestCluster();
  let up = true;
  cleanup.defer(async () => {
    if (up) await cluster.down();
  });
  await importBusybox(cluster);
  const { id } = JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { id: string };
  const node = nodeOf(cluster, id);
  const client = createClient(await transportFromKubeconfig(join(cluster.dataDir, 'admin.kubeconfig')));
  cleanup.defer(() => client.close());
  const { create, remove } = insist(client);
  const list = async (): Promise<Pod[]> => (await untilAnswered('list pods', () => client.resource(pods).list(namespace))).items;
  const gone = (name: string, query = {}): Promise<void> => remove(pods, namespace, name, query);

  await create(namespaces, { metadata: { name: namespace }, spec: {} });
  await create(configmaps, { metadata: { namespace, name: configName }, data: { key: 'value' } });
  await create(secrets, { metadata: { namespace, name: configName }, stringData: { key: 'value' } });
  await create(services, { metadata: { namespace, name: 'churn' }, spec: { selector: labels, ports: [{ port: 80 }] } });
  await eventually('the node takes pods', async () => {
    await client.raw('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
    return true;
  });
  // What the first pod of a node makes for all of them (chains of the port mapper, the bridge) is no leak.
  const warm = { metadata: { namespace, name: 'warm' }, spec: { ...podSpec(randomAt(seed, 1), firstPort), hostNetwork: false } };
  warm.spec.containers[0]!.ports = [{ containerPort: 80, hostPort: firstPort }];
  await create(pods, warm);
  const running = (name: string): Promise<true> => eventually(`${name} runs`, async () => isRunning(await client.resource(pods).get(namespace, name)));
  await running('warm');
  await gone('warm', { gracePeriodSeconds: 0 });
  const before = await settled(() => inventory(node));

  await create(pods, { metadata: { namespace, name: steadyName, labels }, spec: { containers: [main()] } });
  await running(steadyName);
  const idsOf = ({ status }: Pod): unknown => status?.containerStatuses?.map(({ containerID, restartCount }) => ({ containerID, restartCount }));
  const steady = idsOf(await client.resource(pods).get(namespace, steadyName));

  const random = randomAt(seed, 4);
  const wanted = new Map<string, boolean>(); // whether it ends by itself
  const report = { created: 0, deleted: 0 };
  async function comeAndGo(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (wanted.size < most && !(wanted.size > 0 && random.oneIn(3))) {
        const name = `pod-${report.created++}`;
        const ends = random.oneIn(8);
        await create(pods, { metadata: { namespace, name, labels }, spec: podSpec(random, firstPort + report.created, ends) });
        wanted.set(name, ends);
      } else {
        const name = random.pick([...wanted.keys()]);
        await gone(name, random.oneIn(4) ? { gracePeriodSeconds: 0 } : {});
        wanted.delete(name);
        report.deleted++;
      }
      await sleep(random.below(500), undefined, { signal }).catch(() => {});
    }
  }
  const [, kills] = await during(milliseconds, [comeAndGo, (signal) => killAtRandom(cluster, randomAt(seed, 3), signal)]);

  await rightAtLast('what runs is what should', async () => {
    const items = await list();
    const alive = items.filter(({ metadata }) => !wanted.get(metadata.name));
    const expected = alive.flatMap(expectedContainers).sort();
    const [actual, sandboxes] = [await runningContainers(node), await readySandboxes(node)];
    const uids = alive.map(({ metadata }) => metadata.uid ?? '').sort();
    return [
      ...difference('pods', items.map(({ metadata }) => metadata.name).sort(), [...wanted.keys(), steadyName].sort()),
      ...alive
        .filter((pod) => !isRunning(pod))
        .map(({ metadata, status }) => `${metadata.name} is ${status?.phase}: ${JSON.stringify(status?.containerStatuses)}`),
      ...items
        .filter(({ metadata, status }) => wanted.get(metadata.name) && status?.phase !== 'Succeeded')
        .map(({ metadata, status }) => `${metadata.name} is ${status?.phase}`),
      ...difference('containers', actual, expected),
      ...difference('sandboxes', sandboxes, uids),
    ];
  });
  assert.deepEqual(idsOf(await client.resource(pods).get(namespace, steadyName)), steady, 'a pod that nobody touched was restarted');

  for (const name of [...wanted.keys(), steadyName]) await gone(name);
  await rightAtLast('nothing is left behind', async () => [
    ...(await list()).map(({ metadata }) => `pod ${metadata.name}`),
    ...surplus(await inventory(node), before),
  ]);
  await cluster.down();
  up = false;
  assert.deepEqual(await leftovers(id, cluster.dataDir), []);
  return { ...report, kills };
}

function difference(what: string, actual: readonly string[], expected: readonly string[]): string[] {
  return [...surplus(actual, expected).map((one) => `${what}: ${one} is too many`), ...surplus(expected, actual).map((one) => `${what}: ${one} is missing`)];
}

/** Twice the same in a row. */
async function settled(look: () => Promise<string[]>): Promise<string[]> {
  let last = '';
  return eventually('nothing changes any more', async () => {
    const now = await look();
    const same = JSON.stringify(now) === last && !now.some((line) => /^(sandbox|container) /.test(line));
    last = JSON.stringify(now);
    return same && now;
  });
}

async function rightAtLast(what: string, look: () => Promise<string[]>): Promise<void> {
  let wrong: string[] = [];
  await eventually(
    what,
    async () => {
      wrong = await look();
      return wrong.length === 0;
    },
    patienceMs,
  ).catch((error: Error) => assert.fail(`${error.message}\n${wrong.slice(0, shown).join('\n')}`));
}

export const reportOf = ({ created, deleted, kills }: NodeChurnReport): string =>
  `${created} pods created, ${deleted} deleted, killed ${JSON.stringify(kills)}`;
