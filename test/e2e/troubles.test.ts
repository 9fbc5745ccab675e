/** Pods that can't run or run wild, all at once on one node: each says why in upstream's words, and a pod that does neither does not notice. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ContainerStatus, Pod } from '../../src/api/core/v1/types.gen.ts';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';
import { busybox, importBusybox } from './images.ts';

const shell = (script: string): object => ({ name: 'main', image: busybox, command: ['sh', '-c', script] });
const podOf = (name: string, container: object, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [{ ...shell('exec sleep 1000'), ...container }], ...spec },
});
const probe = { periodSeconds: 1, timeoutSeconds: 1 };
const mounted = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };

let cluster: TestCluster;
let calmSince: string | undefined;
const readySince = (status: Pod['status']): string | undefined =>
  status?.conditions?.find(({ type, status: is }) => type === 'Ready' && is === 'True')?.lastTransitionTime;
before(async () => {
  cluster = await startTestCluster({
    kubelet: { podPidsLimit: 100, containerLogMaxSize: '1Mi', containerLogMaxFiles: 2, containerLogMonitorInterval: '3s' },
  });
  await importBusybox(cluster);
  await cluster.apply(podOf('calm', { readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1, timeoutSeconds: 30 } }));
  calmSince = await eventually('calm: ready', async () => readySince((await cluster.get<Pod>('pod', 'calm')).status));
  await cluster.apply([
    podOf('full', { ...shell('dd if=/dev/zero of=/file bs=1M count=8; exec sleep 1000'), resources: { limits: { 'ephemeral-storage': '1Mi' } } }),
    podOf(
      'full-volume',
      { ...shell('dd if=/dev/zero of=/data/file bs=1M count=8; exec sleep 1000'), ...mounted },
      { volumes: [{ name: 'data', emptyDir: { sizeLimit: '1Mi' } }] },
    ),
    podOf('talks', shell("head -c 8000000 /dev/zero | tr '\\0' x; while :; do sleep 0.2; echo; echo still here; done")),
    podOf('forks', {
      ...shell('i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; exec sleep 1000'),
      terminationMessagePolicy: 'FallbackToLogsOnError',
    }),
    podOf('hangs', { readinessProbe: { ...probe, exec: { command: ['sleep', '1000'] } } }),
    podOf('no-key', { env: [{ name: 'KEY', valueFrom: { configMapKeyRef: { name: 'kube-root-ca.crt', key: 'nothing' } } }] }),
    podOf('no-map', mounted, { volumes: [{ name: 'data', configMap: { name: 'missing' } }] }),
    podOf('no-path', mounted, { volumes: [{ name: 'data', hostPath: { path: '/no/such/path', type: 'Directory' } }] }),
    podOf('root', { securityContext: { runAsNonRoot: true } }),
    podOf('no-program', { command: ['/etc/passwd'] }),
    podOf('late', {}, { activeDeadlineSeconds: 1 }),
    podOf('deaf', shell("trap '' TERM; while :; do sleep 0.1; done")),
  ]);
});
after(() => cluster?.down());

const podWhere = (name: string, what: string, holds: (status: NonNullable<Pod['status']>, main: ContainerStatus | undefined) => unknown): Promise<Pod> =>
  eventually(`${name}: ${what}`, async () => {
    const pod = await cluster.get<Pod>('pod', name);
    return holds(pod.status ?? {}, pod.status?.containerStatuses?.[0]) ? pod : undefined;
  });
const isRunning = (name: string): Promise<Pod> => podWhere(name, 'running', (_status, main) => main?.state?.running);
const eventOf = (name: string, reason: string): Promise<string> =>
  eventually(`${name}: event ${reason}`, async () => {
    const selector = `--field-selector=involvedObject.name=${name},reason=${reason}`;
    return (await cluster.kubectl(['get', 'events', selector, '-o', 'jsonpath={.items[0].message}'])) || undefined;
  });
async function hasFailed(name: string, reason: string): Promise<string> {
  const { status } = await podWhere(name, 'Failed', ({ phase }) => phase === 'Failed');
  assert.equal(status?.reason, reason);
  return status?.message ?? '';
}
async function waits(name: string, reason: string): Promise<string> {
  const { status } = await podWhere(name, reason, (_status, main) => main?.state?.waiting?.reason === reason);
  return status?.containerStatuses?.[0]?.state?.waiting?.message ?? '';
}

test('what a container needs and does not get is named', async () => {
  assert.equal(await waits('no-key', 'CreateContainerConfigError'), "couldn't find key nothing in ConfigMap default/kube-root-ca.crt");
  assert.match(
    await waits('root', 'CreateContainerConfigError'),
    /^container has runAsNonRoot and image will run as root \(pod: "root_default\([-0-9a-f]{36}\)", container: main\)$/,
  );
  assert.equal(await eventOf('no-map', 'FailedMount'), 'MountVolume.SetUp failed for volume "data" : configmap "missing" not found');
  assert.equal(
    await eventOf('no-path', 'FailedMount'),
    'MountVolume.SetUp failed for volume "data" : hostPath type check failed: /no/such/path is not a directory',
  );
});

test('a program that is none can’t be started', async () => {
  const { status } = await podWhere('no-program', 'Failed', ({ phase }) => phase === 'Failed');
  const ended = status?.containerStatuses?.[0]?.state?.terminated;
  assert.deepEqual([ended?.reason, ended?.exitCode], ['StartError', 128]);
  assert.match(ended?.message ?? '', /permission denied/);
});

test('a pod that runs longer than it may has failed', async () => {
  assert.equal(await hasFailed('late', 'DeadlineExceeded'), 'Pod was active on the node longer than the specified deadline');
});

test('a container that forks without end reaches the limit of its pod', async () => {
  const { status } = await podWhere('forks', 'ended', (_status, main) => main?.state?.terminated);
  assert.match(status?.containerStatuses?.[0]?.state?.terminated?.message ?? '', /can't fork/);
});

test('a container that hears no signal is killed when its time is over', async () => {
  await isRunning('deaf');
  await cluster.kubectl(['delete', 'pod', 'deaf', '--wait', '--timeout=60s']);
});

test('a probe that hangs has failed when its time is over, and its container goes on', async () => {
  assert.equal(await eventOf('hangs', 'Unhealthy'), 'Readiness probe failed: command timed out: "sleep 1000" timed out after 1s');
  const { status } = await cluster.get<Pod>('pod', 'hangs');
  assert.equal(status?.containerStatuses?.[0]?.restartCount, 0);
  assert.equal(status?.containerStatuses?.[0]?.ready, false);
  await cluster.kubectl(['delete', 'pod', 'hangs', '--wait=false']);
});

test('a line without end fills no log: it is cut, and the log changes its file', async () => {
  await isRunning('talks');
  const directory = join(cluster.dataDir, 'nodes/node-1/pod-logs');
  const files = (): string[] =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('_talks_') && path.includes('.log'));
  await eventually('a log that was set aside', async () => files().length > 1);
  await eventually('what was said afterwards', async () => (await cluster.kubectl(['logs', 'talks', '--tail=1'])) === 'still here\n');
});

test('who writes more than it may is put out', async () => {
  assert.equal(await hasFailed('full', 'Evicted'), 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ');
  assert.equal(await hasFailed('full-volume', 'Evicted'), 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ');
});

test('the others do not notice', async () => {
  const { status } = await cluster.get<Pod>('pod', 'calm');
  assert.equal(status?.containerStatuses?.[0]?.restartCount, 0);
  assert.equal(readySince(status), calmSince);
  assert.equal(await cluster.kubectl(['get', 'node', 'node-1', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']), 'True');
});
