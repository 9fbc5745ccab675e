/** A control plane on etcd: what is written survives its servers, and several of them agree. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findEtcd, startEtcd, type TestEtcd } from '../../src/store/testing/etcd.ts';
import { eventually, ok } from '../e2e/cluster.ts';
import { kubectl } from '../support/kubectl.ts';
import { type ServerProcess, startServer } from '../support/server.ts';
import { assertKept, moreThan, startWriters } from '../support/writers.ts';

let etcd: TestEtcd;
let directory: string;
const running = new Set<ServerProcess>();
before(async () => {
  etcd = await startEtcd(findEtcd() ?? 'etcd');
  directory = mkdtempSync(join(tmpdir(), 'knarr-etcd-test-'));
});
after(async () => {
  await Promise.all([...running].map((server) => server.stop('SIGKILL')));
  await etcd.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function server(name: string): Promise<ServerProcess> {
  const started = await startServer(join(directory, name), ['--store', etcd.endpoint]);
  running.add(started);
  return started;
}
async function stop(started: ServerProcess, signal?: NodeJS.Signals): Promise<number | null> {
  running.delete(started);
  return started.stop(signal);
}
async function says({ kubeconfig }: ServerProcess, args: readonly string[], input?: object): Promise<string> {
  const { code, said } = await kubectl(kubeconfig, args, input);
  assert.equal(code, 0, said);
  return said.trim();
}
const colour = (from: ServerProcess): Promise<string> => says(from, ['get', 'configmap', 'conf', '-o', 'jsonpath={.data.colour}']);

test('objects are created, read, changed, watched and deleted; a server that comes back finds them', async () => {
  const first = await server('one');
  await says(first, ['create', 'configmap', 'conf', '--from-literal=colour=blue']);
  await says(first, ['create', 'configmap', 'gone']);
  assert.equal(await colour(first), 'blue');
  await says(first, ['patch', 'configmap', 'conf', '-p', '{"data":{"colour":"green"}}']);
  await says(first, ['label', 'configmap', 'conf', 'kept=yes']);
  assert.equal(await says(first, ['get', 'configmaps', '-l', 'kept=yes', '-o', 'name']), 'configmap/conf');
  await says(first, ['delete', 'configmap', 'gone']);
  const uid = await says(first, ['get', 'configmap', 'conf', '-o', 'jsonpath={.metadata.uid}']);
  assert.equal(await stop(first), 0);
  const again = await server('one');
  assert.equal(await colour(again), 'green');
  assert.equal(await says(again, ['get', 'configmap', 'conf', '-o', 'jsonpath={.metadata.uid}']), uid);
  assert.equal((await kubectl(again.kubeconfig, ['get', 'configmap', 'gone'])).code, 1);
  await stop(again);
});

test('two servers on one etcd agree, and one goes on when the other is killed under load', async () => {
  const one = await server('one');
  // Servers of one cluster share its keys.
  await ok('mkdir', ['-p', join(directory, 'two')]);
  await ok('cp', ['-a', join(directory, 'one/pki'), join(directory, 'two/pki')]);
  const two = await server('two');
  await says(one, ['patch', 'configmap', 'conf', '-p', '{"data":{"colour":"red"}}']);
  assert.equal(await colour(two), 'red');
  const old = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf', resourceVersion: '1' }, data: { colour: 'none' } };
  assert.match((await kubectl(two.kubeconfig, ['replace', '-f', '-'], old)).stderr, /^Error from server \(Conflict\): /);
  // A watch of one sees what the other writes.
  const seen = kubectl(one.kubeconfig, ['wait', 'configmap/conf', '--for=jsonpath={.data.colour}=yellow', '--timeout=20s']);
  await says(two, ['patch', 'configmap', 'conf', '-p', '{"data":{"colour":"yellow"}}']);
  assert.equal((await seen).code, 0, (await seen).said);
  // Controllers work, in one of them.
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } },
    },
  };
  await says(two, ['apply', '-f', '-'], deployment);
  const pods = async (from: ServerProcess): Promise<number> =>
    (await says(from, ['get', 'pods', '-l', 'app=web', '-o', 'name'])).split('\n').filter(Boolean).length;
  await eventually('two pods', async () => (await pods(one)) === 2);
  const [writingToOne, writingToTwo] = await Promise.all([startWriters(one.kubeconfig, 2, 'one'), startWriters(two.kubeconfig, 2, 'two')]);
  for (const writers of [writingToOne, writingToTwo]) await moreThan(writers, 30);
  await stop(one, 'SIGKILL');
  await writingToTwo.stop();
  await assertKept(two.kubeconfig, await writingToOne.stop());
  await says(two, ['scale', 'deployment', 'web', '--replicas=3']);
  await eventually('three pods', async () => (await pods(two)) === 3, 40_000);
  assert.equal(await pods(two), 3);
  await stop(two);
});

test('while etcd is away writes fail and nothing breaks; it comes back, and all goes on', async () => {
  const one = await server('one');
  await etcd.kill();
  const failed = await kubectl(one.kubeconfig, ['create', 'configmap', 'during', '--request-timeout=5s']);
  assert.notEqual(failed.code, 0);
  await etcd.restart();
  await eventually('writes go on', async () => (await kubectl(one.kubeconfig, ['create', 'configmap', 'later', '--request-timeout=5s'])).code === 0, 30_000);
  assert.equal(await colour(one), 'yellow');
  assert.equal(await stop(one), 0);
});
