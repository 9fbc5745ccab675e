/**
 * API server, controllers and scheduler as processes of their own, over HTTPS, with kubeconfigs: knarr's with knarr's in every run,
 * and each side with upstream's programs where KNARR_UPSTREAM_BIN names a directory that holds them. Nodes are simulated.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { deployments } from '../../../src/api/apps/v1/deployment.ts';
import { replicasets } from '../../../src/api/apps/v1/replicaset.ts';
import { statefulsets } from '../../../src/api/apps/v1/statefulset.ts';
import { jobs } from '../../../src/api/batch/v1/job.ts';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { pods } from '../../../src/api/core/v1/pod.ts';
import { resourcequotas } from '../../../src/api/core/v1/resourcequota.ts';
import { isNotFound } from '../../../src/apimachinery/errors.ts';
import type { Client } from '../../../src/client/client.ts';
import { transportFromKubeconfig } from '../../../src/client/kubeconfig.ts';
import { createClient } from '../../../src/client/rest.ts';
import { kubeconfigText } from '../../../src/cluster/controlplane/kubeconfig.ts';
import { loadOrCreatePki } from '../../../src/cluster/pki/files.ts';
import { controllers } from '../../../src/controllers/index.ts';
import { freePort, root } from '../../e2e/cluster.ts';
import { startServer } from '../../support/server.ts';
import { eventually, workload } from './harness.ts';

const upstream = process.env['KNARR_UPSTREAM_BIN'];
const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const missing = upstream ? programs.filter((name) => !existsSync(join(upstream, name))) : programs;
const skip =
  missing.length > 0 ? `KNARR_UPSTREAM_BIN ${upstream ? `(${upstream}) lacks ${missing.join(', ')}` : 'names no directory with upstream programs'}` : false;

const knarr = (...args: string[]): [string, string[]] => [join(root, 'knarr'), args];
const theirs = (name: string, ...args: string[]): [string, string[]] => [join(upstream ?? '', name), args];
const timeoutMs = 60_000;

interface Place {
  directory: string;
  pki: string;
  url: string;
}

/** A process that ends with the test; what it said is shown when it ends before. */
function launch(t: TestContext, { directory }: Place, [program, args]: [string, string[]]): void {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_000)));
  let ending = false;
  child.once('exit', (code) => {
    if (!ending) t.diagnostic(`${program} ended with ${code}: ${said}`);
  });
  t.after(async () => {
    ending = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Nothing of it is to stay, and what it would wait for may have ended before it.
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
}

/** Kubeconfig files of a component, by the names of its certificate. */
async function kubeconfig({ directory, pki: pkiDirectory, url }: Place, leaf: 'admin' | 'controller-manager' | 'scheduler'): Promise<string> {
  const pki = await loadOrCreatePki(pkiDirectory);
  const file = join(directory, `${leaf}.kubeconfig`);
  writeFileSync(file, kubeconfigText({ server: url, ca: pki.ca.certificate, user: leaf, credentials: pki.leaves[leaf] }), { mode: 0o600 });
  return file;
}

async function knarrApi(t: TestContext, flags = ['--controllers=-*', '--no-scheduler']): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-interchange-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const server = await startServer(join(directory, 'data'), flags);
  t.after(() => server.stop());
  return { directory, pki: join(directory, 'data/pki'), url: `https://127.0.0.1:${server.port}` };
}

async function upstreamApi(t: TestContext): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-interchange-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [port, clients, peers] = await Promise.all([freePort(), freePort(), freePort()]);
  const place = { directory, pki: join(directory, 'pki'), url: `https://127.0.0.1:${port}` };
  await loadOrCreatePki(place.pki);
  launch(
    t,
    place,
    theirs(
      'etcd',
      `--data-dir=${directory}/etcd`,
      '--unsafe-no-fsync',
      `--listen-client-urls=http://127.0.0.1:${clients}`,
      `--advertise-client-urls=http://127.0.0.1:${clients}`,
      `--listen-peer-urls=http://127.0.0.1:${peers}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peers}`,
      `--initial-cluster=default=http://127.0.0.1:${peers}`,
    ),
  );
  launch(
    t,
    place,
    theirs(
      'kube-apiserver',
      `--etcd-servers=http://127.0.0.1:${clients}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${place.pki}/apiserver.crt`,
      `--tls-private-key-file=${place.pki}/apiserver.key`,
      `--client-ca-file=${place.pki}/ca.crt`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${place.pki}/sa.pub`,
      `--service-account-signing-key-file=${place.pki}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--endpoint-reconciler-type=none',
      `--cert-dir=${directory}`,
    ),
  );
  const client = createClient(await transportFromKubeconfig(await kubeconfig(place, 'admin')));
  await eventually(async () => client.raw('GET', '/readyz').catch(() => false) as Promise<string | false>, 'kube-apiserver is ready', timeoutMs);
  await client.close();
  return place;
}

const signing = ({ pki }: Place): string[] => [
  `--root-ca-file=${pki}/ca.crt`,
  `--service-account-private-key-file=${pki}/sa.key`,
  `--cluster-signing-cert-file=${pki}/ca.crt`,
  `--cluster-signing-key-file=${pki}/ca.key`,
];

async function knarrComponents(t: TestContext, place: Place): Promise<void> {
  launch(t, place, knarr('controller-manager', '--kubeconfig', await kubeconfig(place, 'controller-manager'), ...signing(place)));
  launch(t, place, knarr('scheduler', '--kubeconfig', await kubeconfig(place, 'scheduler')));
}

/** Options of upstream's components that are the same for all. */
async function access({ directory }: Place, file: string): Promise<string[]> {
  const kubeconfigs = [`--kubeconfig=${file}`, `--authentication-kubeconfig=${file}`, `--authorization-kubeconfig=${file}`];
  return [...kubeconfigs, '--bind-address=127.0.0.1', `--cert-dir=${directory}`, `--secure-port=${await freePort()}`];
}

async function upstreamManager(t: TestContext, place: Place, ...more: string[]): Promise<void> {
  const own = [...(await access(place, await kubeconfig(place, 'controller-manager'))), '--use-service-account-credentials', ...signing(place)];
  launch(t, place, theirs('kube-controller-manager', ...own, ...more));
}

async function upstreamComponents(t: TestContext, place: Place): Promise<void> {
  await upstreamManager(t, place);
  launch(t, place, theirs('kube-scheduler', ...(await access(place, await kubeconfig(place, 'scheduler')))));
}

const namespace = 'interchange';
const template = (app: string) => {
  const one = workload(app);
  return { ...one, template: { ...one.template, spec: { containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '100m' } } }] } } };
};

/** What a cluster must do, whoever its parts are from. */
async function exercise(t: TestContext, place: Place): Promise<void> {
  const admin = await kubeconfig(place, 'admin');
  launch(t, place, knarr('fake-nodes', '--kubeconfig', admin, '--count', '3', '--fake-job-time', '100ms'));
  const client: Client = createClient(await transportFromKubeconfig(admin));
  t.after(() => client.close());
  const until = (what: string, probe: () => Promise<boolean | undefined>): Promise<boolean> => eventually(probe, what, timeoutMs);
  const gone = async (reading: Promise<unknown>): Promise<boolean> =>
    reading.then(
      () => false,
      (error: unknown) => {
        if (isNotFound(error)) return true;
        throw error;
      },
    );
  const named = (name: string) => ({ name, namespace });

  await client.resource(namespaces).create({ metadata: { name: namespace }, spec: {} });
  await client.resource(resourcequotas).create({ metadata: named('limits'), spec: { hard: { pods: '9' } } });
  const quota = () => client.resource(resourcequotas).get(namespace, 'limits');
  await until('the quota is counted', async () => (await quota()).status?.used?.['pods'] === '0');
  await until('the root CA is published', async () => !(await gone(client.resource(configmaps).get(namespace, 'kube-root-ca.crt'))));
  await client.resource(deployments).create({ metadata: named('web'), spec: { replicas: 3, ...template('web') } });
  await client.resource(statefulsets).create({ metadata: named('db'), spec: { replicas: 2, serviceName: 'db', ...template('db') } });
  const work = { metadata: { name: '' }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } };
  await client.resource(jobs).create({ metadata: named('work'), spec: { completions: 3, parallelism: 3, template: work } });
  const deployment = () => client.resource(deployments).get(namespace, 'web');
  await until('the Deployment is available', async () => (await deployment()).status?.availableReplicas === 3);
  await until('the StatefulSet is ready', async () => (await client.resource(statefulsets).get(namespace, 'db')).status?.readyReplicas === 2);
  await until('the Job is complete', async () =>
    (await client.resource(jobs).get(namespace, 'work')).status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True'),
  );
  await until('the quota counts what runs', async () => (await quota()).status?.used?.['pods'] === '5');

  await client.resource(deployments).patch(namespace, 'web', 'merge', { spec: { replicas: 9 } });
  await until('the quota stops the Deployment', async () =>
    (await deployment()).status?.conditions?.some(({ type, reason }) => type === 'ReplicaFailure' && reason === 'FailedCreate'),
  );
  await until('what fits runs', async () => (await deployment()).status?.availableReplicas === 7);
  await client.resource(deployments).patch(namespace, 'web', 'merge', { spec: { replicas: 2, template: { metadata: { labels: { round: '2' } } } } });
  await until('the second revision has taken over', async () => {
    const { metadata, status } = await deployment();
    return status?.observedGeneration === metadata.generation && status?.updatedReplicas === 2 && status?.replicas === 2 && status?.availableReplicas === 2;
  });

  await client.resource(deployments).delete(namespace, 'web', { propagationPolicy: 'Foreground' });
  await until('the Deployment is collected', () => gone(deployment()));
  assert.equal((await client.resource(replicasets).list(namespace)).items.length, 0);
  await client.resource(namespaces).delete('', namespace);
  await until('the namespace is gone', () => gone(client.resource(namespaces).get('', namespace)));
  assert.equal((await client.resource(pods).list(namespace)).items.length, 0);
}

test("knarr's controllers and scheduler as processes of their own, against knarr's API server", async (t) => {
  const place = await knarrApi(t);
  await knarrComponents(t, place);
  await exercise(t, place);
});

test("upstream's kube-controller-manager and kube-scheduler against knarr's API server", { skip }, async (t) => {
  const place = await knarrApi(t);
  await upstreamComponents(t, place);
  await exercise(t, place);
});

test("knarr's controllers and scheduler against upstream's kube-apiserver", { skip }, async (t) => {
  const place = await upstreamApi(t);
  await knarrComponents(t, place);
  await exercise(t, place);
});

for (const half of [0, 1]) {
  test(`every other controller upstream's, and the rest knarr's, from the ${half === 0 ? 'first' : 'second'} on`, { skip }, async (t) => {
    const names = controllers.map(({ name }) => name);
    const replaced = names.filter((_, index) => index % 2 === half);
    const place = await knarrApi(t, [`--controllers=*,${replaced.map((name) => `-${name}`).join()}`]);
    await upstreamManager(t, place, `--controllers=${replaced.join()}`);
    await exercise(t, place);
  });
}

test('the names of a list of controllers are checked', async () => {
  const child = spawn(join(root, 'knarr'), ['server', '--controllers=*,-garbage-collecter'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(child, 'close');
  assert.equal(code, 2);
  assert.match(said, /"garbage-collecter" is not in the list of known controllers\. There are: .*garbage-collector-controller/);
});
