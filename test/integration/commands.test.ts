/** The command line around a control plane without nodes: what scripts rely on. Run as a user without privileges. */
import assert from 'node:assert/strict';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, eventually, freePort, root, run } from '../e2e/cluster.ts';

const nobody = 65534;
const home = mkdtempSync(join(tmpdir(), 'knarr-commands-'));
const dataDir = join(home, 'cluster');
let port = 0;

const knarr = (args: string[]): Promise<CommandResult> =>
  run(join(root, 'knarr'), args, {
    as: nobody,
    // Nothing of what the one who runs the tests has set.
    only: { PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, 'kubeconfig') },
    timeoutMs: 60_000,
  });
const onCluster = ([command = '', ...args]: string[], sub: string[] = []): Promise<CommandResult> => knarr([command, ...sub, '--data-dir', dataDir, ...args]);
const kubectl = (...args: string[]): Promise<CommandResult> => onCluster(['kubectl', '--', ...args]);

before(async () => {
  chownSync(home, nobody, nobody);
  port = await freePort();
});
after(async () => {
  await onCluster(['down', '--purge']);
  rmSync(home, { recursive: true, force: true });
});

test('up --control-plane-only needs no root, and writes the context into the user’s kubeconfig', async () => {
  const up = await onCluster(['up', '--control-plane-only', '--port', String(port)]);
  assert.equal(up.code, 0, up.stderr);
  const status = JSON.parse((await onCluster(['status', '--output', 'json'])).stdout);
  assert.equal(status.ready, true);
  assert.deepEqual(status.nodes, []);
  const contexts = await knarr(['kubectl', '--data-dir', dataDir, '--', '--kubeconfig', join(home, 'kubeconfig'), 'config', 'current-context']);
  assert.equal(contexts.stdout.trim(), 'knarr', contexts.stderr);
  assert.match((await onCluster(['kubeconfig'])).stdout, new RegExp(`server: https://127.0.0.1:${port}`));
});

test('controllers and scheduler work, though there is no node', async () => {
  assert.equal((await kubectl('create', 'deployment', 'web', '--image=web:v1', '--replicas=2')).code, 0);
  const pods = async (): Promise<string[]> => (await kubectl('get', 'pods', '-o', 'name')).stdout.split('\n').filter(Boolean);
  await eventually('two pods', async () => (await pods()).length === 2);
});

test('a snapshot of the running cluster brings back what was there', async () => {
  const file = join(home, 'snapshot');
  await kubectl('create', 'configmap', 'before', '--from-literal=a=b');
  const saved = await knarr(['snapshot', 'save', '--data-dir', dataDir, file]);
  assert.equal(saved.code, 0, saved.stderr);
  await kubectl('create', 'configmap', 'after', '--from-literal=a=b');
  const refused = await knarr(['snapshot', 'restore', '--data-dir', dataDir, file]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is running; 'knarr down' first/);
  assert.equal((await onCluster(['down'])).code, 0);
  const restored = await knarr(['snapshot', 'restore', '--data-dir', dataDir, file]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal((await onCluster(['up', '--kubeconfig', 'none'])).code, 0);
  assert.equal((await kubectl('get', 'configmap', 'before', '-o', 'jsonpath={.data.a}')).stdout, 'b');
  assert.match((await kubectl('get', 'configmap', 'after')).stderr, /NotFound/);
});

test('down --purge takes the context and the data away', async () => {
  assert.equal((await onCluster(['down', '--purge'])).code, 0);
  const contexts = await knarr(['kubectl', '--data-dir', dataDir, '--', 'config', 'get-contexts']);
  assert.equal(contexts.code, 1);
  assert.match(contexts.stderr, /there is no cluster in/);
});

test('a node without root is refused in one sentence, and unknown options name the help', async () => {
  const up = await knarr(['up', '--data-dir', join(home, 'other')]);
  assert.equal(up.code, 1);
  assert.match(up.stderr, /running containers needs root/);
  const unknown = await knarr(['up', '--no-such-option']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /unknown option '--no-such-option'\n\(knarr COMMAND --help shows the options\)/);
});
