import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { defaultConfiguration } from '../config/configuration.ts';
import type { KubeletContext } from '../context.ts';
import { RuntimeError } from '../cri/client.ts';
import type { PullImageRequest } from '../cri/types.gen.ts';
import { container, pod } from '../testing/pods.ts';
import type { TrackedCredential } from './credentials.ts';
import { createProviders, type ProviderConfig, parseProviders } from './providers.ts';
import { createImagePuller, StartError } from './puller.ts';
import { createPullRecords } from './pullrecords.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pulls-'));
});
after(() => rm(directory, { recursive: true }));

const now = (): Date => new Date('2026-01-02T03:04:05Z');
const credential = (name: string, hash = name): TrackedCredential => ({
  auth: { username: name },
  secret: { uid: `uid-${name}`, namespace: 'default', name, credentialHash: hash },
});
let next = 0;
const recordsIn = (policy: Partial<typeof defaultConfiguration> = {}) =>
  createPullRecords(join(directory, String(next++)), { ...defaultConfiguration, ...policy }, now);
const having =
  (...credentials: TrackedCredential[]) =>
  async () =>
    credentials;

test('an image that somebody brought here is for all pods', async () => {
  assert.equal(await recordsIn().mustPull('r/a:1', 'sha256:1', having()), false);
  assert.equal(await recordsIn({ imagePullCredentialsVerificationPolicy: 'AlwaysVerify' }).mustPull('r/a:1', 'sha256:1', having()), true);
  const listed = { imagePullCredentialsVerificationPolicy: 'NeverVerifyAllowlistedImages', preloadedImagesVerificationAllowlist: ['r/*', 'q/b'] } as const;
  assert.equal(await recordsIn(listed).mustPull('r/a:1', 'sha256:1', having()), false);
  assert.equal(await recordsIn(listed).mustPull('q/b@sha256:1', 'sha256:1', having()), false);
  assert.equal(await recordsIn(listed).mustPull('q/c:1', 'sha256:1', having()), true);
});

test('an image that was pulled with a secret is for pods that have it', async () => {
  const records = recordsIn();
  await records.begin('r/a:1');
  assert.equal(await records.mustPull('r/a:1', 'sha256:1', having()), true, 'on its way');
  await records.pulled('r/a:1', 'sha256:1', credential('a'));
  assert.equal(await records.mustPull('r/a:2', 'sha256:1', having(credential('a'))), false);
  assert.equal(await records.mustPull('r/a:1', 'sha256:1', having(credential('a', 'changed'))), false, 'the same secret');
  assert.equal(await records.mustPull('r/a:1', 'sha256:1', having(credential('copy', 'changed'))), false, 'the same credentials in another secret');
  assert.equal(await records.mustPull('r/a:1', 'sha256:1', having(credential('b'))), true);
  assert.equal(await records.mustPull('r/a:1', 'sha256:1', having()), true);
  assert.equal(await records.mustPull('q/a:1', 'sha256:1', having(credential('a'))), true, 'another name of the same image');
  await records.begin('r/a:1');
  await records.pulled('r/a:1', 'sha256:1', undefined);
  assert.equal(await records.mustPull('r/a:1', 'sha256:1', having()), false, 'nobody needs credentials');
});

test('records of images that are gone are removed', async () => {
  const records = recordsIn();
  for (const id of ['sha256:1', 'sha256:2']) {
    await records.begin('r/a:1');
    await records.pulled('r/a:1', id, credential('a'));
  }
  const place = join(directory, String(next - 1), 'image_manager');
  assert.deepEqual([(await readdir(join(place, 'pulled'))).length, (await readdir(join(place, 'pulling'))).length], [2, 0]);
  await records.prune(['sha256:1'], now());
  assert.equal((await readdir(join(place, 'pulled'))).length, 2, 'pulled since');
  await records.prune(['sha256:1'], new Date(now().getTime() + 1000));
  assert.equal((await readdir(join(place, 'pulled'))).length, 1);
});

function puller(pull: (request: PullImageRequest) => Promise<string>, config: Partial<typeof defaultConfiguration> = {}) {
  const told: string[] = [];
  let present = false;
  const context = {
    cri: {
      imageStatus: async () => (present ? { id: 'sha256:1', size: 7 } : undefined),
      pullImage: async (request: PullImageRequest) => {
        const id = await pull(request);
        present = true;
        return id;
      },
    },
    config: { ...defaultConfiguration, ...config },
    meters: { observe: () => {} },
    events: { event: (_: unknown, __: unknown, reason: string, message: string) => void told.push(`${reason}: ${message}`) },
    now,
  } as unknown as KubeletContext;
  const made = createImagePuller(context, recordsIn(), async () => [{ auth: { username: 'provider' } }]);
  const ensure = async (of: Pod, image: string, imagePullPolicy = 'IfNotPresent'): Promise<string> => {
    try {
      await made.ensure(of, container('main', { image, imagePullPolicy }), {}, new AbortController().signal);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof StartError);
      return `${error.reason}: ${error.message}`;
    }
  };
  return { ensure, told };
}

test('what a failed pull is called', async () => {
  const failing = (text: string) => puller(async () => Promise.reject(new RuntimeError('PullImage', 2, text)));
  const { ensure, told } = failing('no such host');
  assert.equal(await ensure(pod(), 'r/a:1'), 'ErrImagePull: rpc error: code = Unknown desc = no such host');
  assert.equal(await ensure(pod(), 'r/a:1'), 'ImagePullBackOff: Back-off pulling image "r/a:1": ErrImagePull: rpc error: code = Unknown desc = no such host');
  assert.deepEqual(told, [
    'Pulling: Pulling image "r/a:1"',
    'Failed: Failed to pull image "r/a:1": rpc error: code = Unknown desc = no such host',
    'Failed: Error: ErrImagePull',
    'BackOff: Back-off pulling image "r/a:1"',
    'Failed: Error: ImagePullBackOff',
  ]);
  assert.match(
    await failing('RegistryUnavailable: x').ensure(pod(), 'r/a:1'),
    /^RegistryUnavailable: image pull failed for r\/a:1 because the registry is unavailable: x/,
  );
  assert.match(
    await failing('SignatureValidationFailed: x').ensure(pod(), 'r/a:1'),
    /^SignatureValidationFailed: image pull failed for r\/a:1 because the signature/,
  );
  assert.match(await ensure(pod(), 'R/A'), /^InvalidImageName: /);
  assert.equal(await ensure(pod(), 'r/b:1', 'Never'), 'ErrImageNeverPull: Container image "r/b:1" is not present with pull policy of Never');
});

test('too many pulls in a moment are refused', async () => {
  const { ensure } = puller(async () => Promise.reject(new Error('x')), { registryPullQPS: 1, registryBurst: 1 });
  assert.equal(await ensure(pod(), 'r/a:1'), 'ErrImagePull: x');
  assert.equal(await ensure(pod(), 'r/b:1'), 'ErrImagePull: pull QPS exceeded');
});

test('credentials of a provider are used', async () => {
  const users: (string | undefined)[] = [];
  const { ensure } = puller(async ({ auth }) => {
    users.push(auth?.username);
    return 'sha256:1';
  });
  assert.equal(await ensure(pod(), 'r/a:1'), 'ok');
  assert.deepEqual(users, ['provider']);
});

const provider = (more: Partial<ProviderConfig> = {}): ProviderConfig => ({
  name: 'plugin',
  apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
  matchImages: ['*.example.com'],
  defaultCacheDuration: '1m',
  ...more,
});

async function plugin(answer: object, script = ''): Promise<string> {
  const place = await mkdtemp(join(directory, 'bin-'));
  const text = JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion: 'credentialprovider.kubelet.k8s.io/v1', ...answer });
  await writeFile(join(place, 'plugin'), `#!/bin/sh\necho "$1 $WHAT $(cat)" >>${place}/asked\n${script}\ncat <<'END'\n${text}\nEND\n`);
  await chmod(join(place, 'plugin'), 0o755);
  return place;
}

const providersWith = (binDir: string, one: ProviderConfig, errors: string[] = []) =>
  createProviders({
    providers: [one],
    binDir,
    context: { log: { error: ({ err }: { err: string }) => void errors.push(err) }, now } as unknown as KubeletContext,
  });

test('a provider is asked once while its answer is good', async () => {
  const binDir = await plugin({ cacheKeyType: 'Registry', auth: { '*.example.com': { username: 'u', password: 'p' }, 'other.io': { username: 'x' } } });
  const credentials = providersWith(binDir, provider({ args: ['get'], env: [{ name: 'WHAT', value: 'now' }] }));
  const wanted = [{ auth: { username: 'u', password: 'p' } }];
  assert.deepEqual(await credentials(pod(), 'r.example.com/a:1'), wanted);
  assert.deepEqual(await credentials(pod(), 'r.example.com/b:1'), wanted);
  assert.deepEqual(await credentials(pod(), 'example.org/b:1'), []);
  const { readFile } = await import('node:fs/promises');
  assert.equal(
    await readFile(join(binDir, 'asked'), 'utf8'),
    'get now {"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"r.example.com/a"}\n',
  );
});

test('a provider that fails is told of, and the pull goes on without it', async () => {
  const errors: string[] = [];
  assert.deepEqual(await providersWith(await plugin({}, 'echo broken >&2; exit 3'), provider(), errors)(pod(), 'r.example.com/a'), []);
  assert.deepEqual(await providersWith(await plugin({ apiVersion: 'x' }), provider(), errors)(pod(), 'r.example.com/a'), []);
  assert.deepEqual(await providersWith(await plugin({ cacheKeyType: 'Pod' }), provider(), errors)(pod(), 'r.example.com/a'), []);
  assert.deepEqual(errors, [
    'error execing credential provider plugin plugin: exit status 3: broken',
    'apiVersion from credential plugin response did not match expected apiVersion:credentialprovider.kubelet.k8s.io/v1, actual apiVersion:x',
    'credential provider plugin did not return a valid cacheKeyType: Pod',
  ]);
});

test('a configuration of providers is checked', () => {
  const read = (one: object) => parseProviders(JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers: [one] }));
  assert.equal(read(provider())[0]?.name, 'plugin');
  assert.throws(() => parseProviders('kind: Pod'), { message: 'failed to decode "Pod" (wrong Kind)' });
  assert.throws(() => read(provider({ name: 'a/b' })), /providers.name: Invalid value/);
  assert.throws(() => read(provider({ matchImages: [] })), /at least 1 item in matchImages is required/);
  assert.throws(() => read(provider({ apiVersion: 'v2' })), /providers.apiVersion: Unsupported value: "v2"/);
});
