import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createEtcdStore } from '../../../store/etcd.ts';
import { openLmdbStore } from '../../../store/lmdb.ts';
import { createMemoryStore } from '../../../store/memory.ts';
import type { Store } from '../../../store/store.ts';
import { findEtcd, startEtcd } from '../../../store/testing/etcd.ts';
import { startTestServer } from '../../testing/server.ts';
import { type Encryption, loadEncryption } from './index.ts';
import { sealSecretbox, secretbox } from './secretbox.ts';
import { startKmsPlugin } from './testing/kmsplugin.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-encryption-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const secrets = '/api/v1/namespaces/default/secrets';
const keyOf = (name: string) => `/registry/core/secrets/default/${name}`;
const hidden = 'nobody shall read this on the disk';
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password: hidden } });
const base64 = (size: number, fill: number) => Buffer.alloc(size, fill).toString('base64');

type Resources = { resources: string[]; providers: object[] }[];
let files = 0;
function configuration(resources: Resources, file = join(directory, `config-${++files}.yaml`)): string {
  writeFileSync(file, JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources }));
  return file;
}
const forSecrets = (...providers: object[]): Resources => [{ resources: ['secrets'], providers }];
const gcm = (...names: string[]) => ({ aesgcm: { keys: names.map((name) => ({ name, secret: base64(32, name.charCodeAt(name.length - 1)) })) } });

async function withServer(store: Store, encryption: Encryption, use: (server: Awaited<ReturnType<typeof startTestServer>>) => Promise<void>): Promise<void> {
  const running = await startTestServer({ store: keepOpen(encryption.wrap(store)) });
  try {
    await use(running);
  } finally {
    await running[Symbol.asyncDispose]();
    encryption.close();
  }
}

/** The test reads the store after the server is gone. */
const keepOpen = (store: Store): Store => ({ ...store, close: async () => {} });

async function stored(store: Store, name: string): Promise<Buffer> {
  const { entry } = await store.get(keyOf(name));
  assert.ok(entry);
  return Buffer.from(entry.value);
}

const password = (object: { data: { password: string } }): string => Buffer.from(object.data.password, 'base64').toString();

async function readsBack(store: Store, file: string, names: readonly string[]): Promise<void> {
  await withServer(store, await loadEncryption({ file }), async ({ request }) => {
    const { status, body } = await request('GET', secrets);
    assert.equal(status, 200);
    assert.deepEqual(
      body.items.map((item: { metadata: { name: string }; data: { password: string } }) => [item.metadata.name, password(item)]),
      names.map((name) => [name, hidden]),
    );
  });
}

const providers: Record<string, [object, string]> = {
  aesgcm: [gcm('key1'), 'k8s:enc:aesgcm:v1:key1:'],
  aescbc: [{ aescbc: { keys: [{ name: 'key1', secret: base64(16, 2) }] } }, 'k8s:enc:aescbc:v1:key1:'],
  secretbox: [{ secretbox: { keys: [{ name: 'key1', secret: base64(32, 3) }] } }, 'k8s:enc:secretbox:v1:key1:'],
};

async function isHidden(store: Store, name: string, prefix: string): Promise<void> {
  const bytes = await stored(store, name);
  assert.equal(bytes.subarray(0, prefix.length).toString(), prefix);
  assert.ok(!bytes.includes(Buffer.from(hidden).toString('base64')) && !bytes.includes('password'));
}

for (const [provider, [configured, prefix]] of Object.entries(providers)) {
  test(`${provider}: what is stored can't be read without the key, and is served after a restart`, async () => {
    const store = createMemoryStore();
    const file = configuration(forSecrets(configured));
    await withServer(store, await loadEncryption({ file }), async ({ request }) => {
      assert.equal((await request('POST', secrets, secret('one'))).status, 201);
      assert.equal(
        (await request('PATCH', `${secrets}/one`, { metadata: { labels: { a: 'b' } } }, { 'content-type': 'application/merge-patch+json' })).status,
        200,
      );
      await request('POST', '/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'open' }, data: { a: 'clear' } });
    });
    await isHidden(store, 'one', prefix);
    const { entry } = await store.get('/registry/core/configmaps/default/open');
    assert.ok(Buffer.from(entry?.value ?? []).includes('clear'));
    await readsBack(store, file, ['one']);
    // Who has another key sees nothing, and does not start as if there were nothing.
    await assert.rejects(
      withServer(store, await loadEncryption({ file: configuration(forSecrets(gcm('other'))) }), async () => {}),
      /can not be decrypted: /,
    );
    await assert.rejects(startTestServer({ store: keepOpen(store) }), /can not be decrypted: identity transformer tried to read encrypted data/);
  });
}

test('nothing of a secret is in the files of LMDB', async () => {
  const path = join(directory, 'lmdb');
  const store = await openLmdbStore(path);
  const file = configuration([{ resources: ['*.*'], providers: [gcm('key1')] }]);
  await withServer(store, await loadEncryption({ file }), async ({ request }) => {
    assert.equal((await request('POST', secrets, secret('one'))).status, 201);
  });
  await store.close();
  const { readdirSync, readFileSync } = await import('node:fs');
  const bytes = Buffer.concat(readdirSync(path).map((name) => readFileSync(join(path, name))));
  assert.ok(bytes.includes('k8s:enc:aesgcm:v1:key1:'));
  assert.ok(!bytes.includes(Buffer.from(hidden).toString('base64')) && !bytes.includes('"password"'));
  const again = await openLmdbStore(path);
  await readsBack(again, file, ['one']);
  await again.close();
});

const etcdProgram = findEtcd();
test('two servers on one etcd see each other’s secrets, and etcd does not', { skip: etcdProgram ? false : 'there is no etcd' }, async () => {
  const etcd = await startEtcd(etcdProgram ?? '');
  const [first, second] = [createEtcdStore({ endpoints: [etcd.endpoint] }), createEtcdStore({ endpoints: [etcd.endpoint] })];
  try {
    const file = configuration(forSecrets(gcm('key1')));
    const other = await loadEncryption({ file });
    await withServer(first, await loadEncryption({ file }), (one) =>
      withServer(second, other, async (two) => {
        assert.equal((await one.request('POST', secrets, secret('shared'))).status, 201);
        const { status, body } = await two.request('GET', `${secrets}/shared`);
        assert.deepEqual([status, password(body)], [200, hidden]);
      }),
    );
    await isHidden(first, 'shared', 'k8s:enc:aesgcm:v1:key1:');
  } finally {
    await Promise.all([first.close(), second.close()]);
    await etcd.stop();
  }
});

test('keys are rotated: a new first key, secrets written again, the old key gone', async () => {
  const store = createMemoryStore();
  const file = configuration(forSecrets({ identity: {} }));
  await withServer(store, await loadEncryption({ file }), async ({ request }) => {
    await request('POST', secrets, secret('one'));
  });
  assert.ok((await stored(store, 'one')).includes('"password"'));
  const steps: [object[], string][] = [
    [[gcm('key1'), { identity: {} }], 'k8s:enc:aesgcm:v1:key1:'],
    [[gcm('key2', 'key1')], 'k8s:enc:aesgcm:v1:key2:'],
    [[providers['secretbox']![0], gcm('key2')], 'k8s:enc:secretbox:v1:key1:'],
  ];
  for (const [configured, prefix] of steps) {
    await withServer(store, await loadEncryption({ file: configuration(forSecrets(...configured)) }), async ({ request }) => {
      const { body } = await request('GET', `${secrets}/one`);
      // Nothing about it changes but the form in which it is stored.
      const written = await request('PUT', `${secrets}/one`, body);
      assert.equal(written.status, 200);
      assert.notEqual(written.body.metadata.resourceVersion, body.metadata.resourceVersion);
      const again = await request('PUT', `${secrets}/one`, written.body);
      assert.equal(again.body.metadata.resourceVersion, written.body.metadata.resourceVersion);
    });
    await isHidden(store, 'one', prefix);
  }
  await readsBack(store, configuration(forSecrets(providers['secretbox']![0])), ['one']);
});

test('a value that is moved to another key is refused', async () => {
  const store = createMemoryStore();
  const file = configuration(forSecrets(gcm('key1')));
  await withServer(store, await loadEncryption({ file }), async ({ request }) => {
    await request('POST', secrets, secret('one'));
  });
  await store.create(keyOf('two'), await stored(store, 'one'));
  await assert.rejects(
    withServer(store, await loadEncryption({ file }), async () => {}),
    /secrets\/default\/two can not be decrypted: .*authentication failed/,
  );
});

test('a plugin holds the keys (KMS v2): asked once for a seed, and again when its key changes', async () => {
  const plugin = await startKmsPlugin(join(directory, 'kms.sock'));
  try {
    const store = createMemoryStore();
    const file = configuration([
      { resources: ['secrets', 'configmaps'], providers: [{ kms: { apiVersion: 'v2', name: 'plugin', endpoint: plugin.endpoint } }] },
    ]);
    await withServer(store, await loadEncryption({ file }), async ({ request, server }) => {
      for (const name of ['one', 'two', 'three']) assert.equal((await request('POST', secrets, secret(name))).status, 201);
      assert.deepEqual({ ...plugin.calls, Status: 1 }, { Status: 1, Encrypt: 1, Decrypt: 0 });
      assert.ok(server);
    });
    await isHidden(store, 'one', 'k8s:enc:kms:v2:plugin:');
    plugin.rotate('key-2');
    const encryption = await loadEncryption({ file });
    await withServer(store, encryption, async ({ request }) => {
      const { body } = await request('GET', `${secrets}/two`);
      assert.equal(password(body), hidden);
      assert.equal(plugin.calls.Decrypt, 1);
      await request('PUT', `${secrets}/two`, body);
      assert.ok((await stored(store, 'two')).includes('key-2'));
      assert.ok((await stored(store, 'one')).includes('key-1'));
      assert.deepEqual(
        encryption.healthChecks.map(({ name }) => name),
        ['kms-providers'],
      );
      await encryption.healthChecks[0]?.check();
    });
    await readsBack(store, file, ['one', 'three', 'two']);
    await plugin.stop();
    const without = await loadEncryption({ file });
    await assert.rejects(async () => without.healthChecks[0]?.check(), /failed to perform status section/);
    await assert.rejects(
      withServer(store, without, async () => {}),
      /failed to decrypt DEK/,
    );
  } finally {
    await plugin.stop();
  }
});

test('a changed configuration is taken in while the server runs, a bad one is not', async () => {
  const store = createMemoryStore();
  const file = configuration(forSecrets(gcm('key1')));
  await withServer(store, await loadEncryption({ file, reload: true }), async ({ request }) => {
    await request('POST', secrets, secret('one'));
    const prefixes = async (name: string): Promise<string> => {
      await request('POST', secrets, secret(name));
      return (await stored(store, name)).subarray(0, 23).toString();
    };
    writeFileSync(file, 'resources: []');
    configuration(forSecrets(gcm('key2', 'key1')), file);
    let count = 0;
    for (;;) if ((await prefixes(`n${++count}`)) === 'k8s:enc:aesgcm:v1:key2:') break;
    assert.equal(password((await request('GET', `${secrets}/one`)).body), hidden);
  });
});

test('the secretbox is NaCl’s', () => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const key = bytes('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389');
  const nonce = bytes('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37');
  const message = bytes('be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31');
  const sealed = sealSecretbox(key, nonce, message);
  // The first bytes of the ciphertext in NaCl's own test.
  assert.equal(sealed.subarray(16, 32).toString('hex'), '8e993b9f48681273c29650ba32fc76ce');
  const plain = secretbox(key).decrypt(Buffer.concat([nonce, sealed]), '');
  assert.deepEqual(plain, { value: message, stale: false });
  sealed[40]! ^= 1;
  assert.throws(() => secretbox(key).decrypt(Buffer.concat([nonce, sealed]), ''));
});

const wrong: [string, Resources | string, RegExp][] = [
  [
    'an unknown field',
    '{"apiVersion":"apiserver.config.k8s.io/v1","kind":"EncryptionConfiguration","resources":[],"more":1}',
    /strict decoding error: unknown field "more"/,
  ],
  ['another kind', 'apiVersion: v1\nkind: Secret', /it is a Secret of apiVersion "v1", not a EncryptionConfiguration of apiserver.config.k8s.io\/v1/],
  ['no provider', [{ resources: ['secrets'], providers: [] }], /resources\[0\]\.providers: Required value: at least one resources\[0\]\.providers is required/],
  [
    'a short key',
    forSecrets({ aesgcm: { keys: [{ name: 'a', secret: base64(5, 1) }] } }),
    /resources\[0\]\.providers\[0\]\.aesgcm\.keys\[0\]\.secret: Invalid value: "REDACTED": secret is not of the expected length, got 5, expected one of \[16 24 32\]/,
  ],
  [
    'a masked resource',
    [
      { resources: ['*.'], providers: [{ identity: {} }] },
      { resources: ['secrets'], providers: [gcm('a')] },
    ],
    /resources\[1\]\.resources\[0\]: .*masked by earlier rule "\*\."/,
  ],
  ['overlapping resources', [{ resources: ['secrets', '*.'], providers: [{ identity: {} }] }], /using overlapping resources/],
  ['KMS v1', forSecrets({ kms: { name: 'a', endpoint: 'unix:///x' } }), /kms\.apiVersion: Invalid value: "v1"/],
  [
    'a remote plugin',
    forSecrets({ kms: { apiVersion: 'v2', name: 'a', endpoint: 'tcp://x' } }),
    /unsupported scheme "tcp" for KMS provider, only unix is supported/,
  ],
];
for (const [name, config, message] of wrong) {
  test(`a configuration with ${name} is refused with the file and the field`, async () => {
    const file = typeof config === 'string' ? join(directory, 'wrong.yaml') : configuration(config);
    if (typeof config === 'string') writeFileSync(file, config);
    await assert.rejects(
      loadEncryption({ file }),
      (error: Error) => error.message.startsWith(`--encryption-provider-config: ${file}: `) && message.test(error.message),
    );
  });
}
