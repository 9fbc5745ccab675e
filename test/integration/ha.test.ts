/** Two servers on one etcd cluster, as processes of their own: what one does not do any more, the other does. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadOrCreatePki } from '../../src/cluster/pki/files.ts';
import { findEtcd, startEtcd } from '../../src/store/testing/etcd.ts';
import { eventually } from '../e2e/cluster.ts';
import { kubectl } from '../support/kubectl.ts';
import { type ServerProcess, startServer } from '../support/server.ts';

const program = findEtcd();
const leases = ['kube-controller-manager', 'kube-scheduler'];
/** Quicker than usual, and slow enough for a busy machine: who leads must not lose it by being late. */
const quick = ['--leader-elect-lease-duration=6s', '--leader-elect-renew-deadline=5s', '--leader-elect-retry-period=300ms'];
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } },
  },
};

/** How often a message with that text was logged about each lease. */
const logged = ({ output }: ServerProcess, text: string): number[] => {
  const lines = output().split('\n');
  return leases.map((lease) => lines.filter((line) => line.includes(text) && line.includes(lease)).length);
};

async function say({ kubeconfig }: ServerProcess, args: readonly string[], input?: object): Promise<string> {
  const { code, said, stdout } = await kubectl(kubeconfig, args, input);
  assert.equal(code, 0, said);
  return stdout;
}
const holders = (server: ServerProcess): Promise<string> =>
  say(server, ['get', 'leases', '-n', 'kube-system', '-o', 'jsonpath={.items[*].spec.holderIdentity}']);

test('of two servers on one etcd one leads; when it is killed the other takes over, and finishes what changed meanwhile', {
  skip: program ? false : 'no etcd in .cache/tools and none on the PATH: run ./knarr test once',
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-ha-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const pki = join(directory, 'a/pki');
  await loadOrCreatePki(pki);
  // What a further server needs; the rest is its own.
  for (const name of ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.key', 'sa.pub']) {
    cpSync(join(pki, name), join(directory, 'b/pki', name));
  }
  const [ca, clientCert, clientKey] = ['ca.crt', 'admin.crt', 'admin.key'].map((name) => join(pki, name)) as [string, string, string];
  const etcd = await startEtcd(program ?? '', [], { ca, clientCert, clientKey, serverCert: join(pki, 'apiserver.crt'), serverKey: join(pki, 'apiserver.key') });
  t.after(() => etcd.stop());
  const files = [`--etcd-cafile=${ca}`, `--etcd-certfile=${clientCert}`, `--etcd-keyfile=${clientKey}`];
  const start = async (name: string): Promise<ServerProcess> => {
    const server = await startServer(join(directory, name), ['--store', etcd.endpoint, ...files, ...quick]);
    t.after(() => server.stop('SIGKILL'));
    return server;
  };

  const first = await start('a');
  await eventually('the first server leads', async () => logged(first, 'became leader').every((count) => count === 1));
  const second = await start('b');
  await eventually('the second one stands by', async () => logged(second, 'another server leads').every((count) => count === 1));
  await say(second, ['create', '-f', '-'], deployment);
  const size = (): Promise<string> => say(second, ['get', 'replicasets', '-o', 'jsonpath={.items[*].status.replicas}']);
  await eventually('the leader works', async () => (await size()) === '1');
  assert.deepEqual(logged(second, 'became leader'), [0, 0]);
  const before = await holders(second);

  await first.stop('SIGKILL');
  await say(second, ['scale', 'deployment/web', '--replicas=3']);
  await eventually('the other one works', async () => (await size()) === '3');
  await eventually('it leads both', async () => logged(second, 'became leader').every((count) => count === 1));
  const after = await holders(second);
  assert.ok(
    before.split(' ').every((holder) => !after.includes(holder)),
    `${before} → ${after}`,
  );

  // Somebody else takes the leases: it ends its work, and campaigns anew when they have run out.
  const stolen = { spec: { holderIdentity: 'another', leaseDurationSeconds: 1, renewTime: new Date().toISOString().replace('Z', '000Z') } };
  for (const lease of leases) await say(second, ['patch', 'lease', lease, '-n', 'kube-system', '--type=merge', '-p', JSON.stringify(stolen)]);
  await eventually('it leads again', async () => logged(second, 'became leader').every((count) => count === 2));
  assert.equal(second.output().match(/leader election lost/g)?.length, leases.length);
  await say(second, ['scale', 'deployment/web', '--replicas=2']);
  await eventually('it works again', async () => (await size()) === '2');
  assert.equal(await second.stop(), 0);
});
