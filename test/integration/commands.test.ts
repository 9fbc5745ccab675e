/** The command line around a control plane without nodes: what scripts rely on. Run as a user without privileges. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const nobody = 65534;
const home = mkdtempSync(join(tmpdir(), 'knarr-commands-'));
const dataDir = join(home, 'cluster');
let port = 0;

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

const knarr = (args: string[]): Promise<Result> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, 'kubeconfig') };
    execFile(join(root, 'knarr'), args, { uid: nobody, gid: nobody, env, cwd: '/', timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr }),
    );
  });
const onCluster = ([command = '', ...args]: string[], sub: string[] = []): Promise<Result> => knarr([command, ...sub, '--data-dir', dataDir, ...args]);
const kubectl = (...args: string[]): Promise<Result> => onCluster(['kubectl', '--', ...args]);

before(async () => {
  chownSync(home, nobody, nobody);
  port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
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
  const deadline = Date.now() + 20_000;
  let pods = '';
  while (Date.now() < deadline && pods.split('\n').filter(Boolean).length < 2) pods = (await kubectl('get', 'pods', '-o', 'name')).stdout;
  assert.equal(pods.split('\n').filter(Boolean).length, 2);
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
