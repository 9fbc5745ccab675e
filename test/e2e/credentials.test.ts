/** Pulling from a registry that wants to know who asks: pull secrets, credential providers, and images that others pulled. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '../../src/api/core/v1/types.gen.ts';
import { busyboxImage } from '../../src/cluster/images/builtin.ts';
import { eventually, startTestCluster, type TestCluster } from './cluster.ts';

const registry = '127.0.0.1:5000';
const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
let cluster: TestCluster;
let server: ChildProcess;
let place: string;
before(async () => {
  place = await mkdtemp(join(tmpdir(), 'knarr-providers-'));
  const answer = { kind: 'CredentialProviderResponse', apiVersion, cacheKeyType: 'Image', auth: { [registry]: { username: 'joe', password: 'secret' } } };
  await writeFile(join(place, 'known'), `#!/bin/sh\ncat >/dev/null\necho '${JSON.stringify(answer)}'\n`);
  await chmod(join(place, 'known'), 0o755);
  const provider = { name: 'known', apiVersion, matchImages: [`${registry}/provided`], defaultCacheDuration: '1m' };
  const config = { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers: [provider] };
  await writeFile(join(place, 'config.yaml'), JSON.stringify(config));
  cluster = await startTestCluster({
    args: ['--image-credential-provider-config', join(place, 'config.yaml'), '--image-credential-provider-bin-dir', place],
  });
  const archive = join(place, 'image.tar');
  await writeFile(archive, await busyboxImage('any'));
  const program = [process.execPath, join(import.meta.dirname, 'registry.ts'), archive, '5000'];
  server = spawn('nsenter', [`--net=/run/netns/${cluster.networkNamespace(1)}`, ...program], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (server.stdout) await once(server.stdout, 'data');
  for (const [name, password] of [
    ['right', 'secret'],
    ['wrong', 'guessed'],
  ] as const)
    await cluster.kubectl([
      'create',
      'secret',
      'docker-registry',
      name,
      `--docker-server=${registry}`,
      '--docker-username=joe',
      `--docker-password=${password}`,
    ]);
});
after(async () => {
  server?.kill('SIGKILL');
  await cluster?.down();
  await rm(place, { recursive: true, force: true });
});

const run = (name: string, image: string, secrets: string[], imagePullPolicy = 'IfNotPresent'): Promise<void> =>
  cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      imagePullSecrets: secrets.map((secret) => ({ name: secret })),
      containers: [{ name: 'main', image: `${registry}/${image}:1`, imagePullPolicy, command: ['sleep', '1000'] }],
    },
  });
const becomes = (name: string, wanted: string): Promise<string> =>
  eventually(`pod ${name} ${wanted}`, async () => {
    const { status } = await cluster.get<Pod>('pod', name);
    const waiting = status?.containerStatuses?.[0]?.state?.waiting;
    return (status?.phase === wanted && status.phase) || (waiting?.reason === wanted && (waiting.message ?? wanted));
  });

test('an image is pulled with the secret that the registry takes', async () => {
  await run('nobody', 'private', []);
  assert.match(await becomes('nobody', 'ImagePullBackOff'), /^Back-off pulling image "127.0.0.1:5000\/private:1": ErrImagePull: .*401 Unauthorized/);
  await run('both', 'private', ['wrong', 'right']);
  await becomes('both', 'Running');
});

test('who could not have pulled an image does not get it because it is there', async () => {
  await run('other', 'private', ['wrong']);
  await becomes('other', 'ImagePullBackOff');
  await run('never', 'private', [], 'Never');
  assert.equal(await becomes('never', 'ErrImageNeverPull'), 'Container image "127.0.0.1:5000/private:1" is not present with pull policy of Never');
  await run('same', 'private', ['right']);
  await becomes('same', 'Running');
});

test('a provider on the node knows credentials', async () => {
  await run('provided', 'provided', []);
  await becomes('provided', 'Running');
});

test('an image that is for another machine, or not what its digest says, is refused with the reason', async () => {
  await run('foreign', 'foreign', ['right']);
  await run('corrupt', 'corrupt', ['right']);
  assert.match(await becomes('foreign', 'ImagePullBackOff'), /no match for platform in manifest/);
  assert.match(await becomes('corrupt', 'ImagePullBackOff'), /unexpected commit digest/);
});
