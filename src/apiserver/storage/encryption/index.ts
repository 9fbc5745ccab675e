/** Encryption at rest, as `--encryption-provider-config` says. */
import type { Logger } from 'pino';
import { parseDuration } from '../../../apimachinery/duration.ts';
import type { Store } from '../../../store/store.ts';
import { registryPrefix } from '../../cacher/cacher.ts';
import { parseConfiguration, readText } from '../../configuration/load.ts';
import { watchFile } from '../../configuration/watch.ts';
import type { HealthCheck } from '../../nonresource/health.ts';
import { aesCbc, aesGcm } from './aes.ts';
import { type EncryptionConfiguration, encryptionFile, type KeyConfiguration, type ProviderConfiguration, parseGroupResource } from './configuration.ts';
import type { KmsProvider } from './kms.ts';
import { secretbox } from './secretbox.ts';
import { encryptedStore } from './store.ts';
import { identity, type PrefixedTransformer, prefixed, type Transformer } from './transformer.ts';

export interface Encryption {
  wrap(store: Store): Store;
  /** `kms-providers`, where there are any. */
  healthChecks: HealthCheck[];
  close(): void;
}

export interface EncryptionOptions {
  file: string;
  /** Takes the file in again when it changes. */
  reload?: boolean;
  log?: Logger;
}

interface Loaded {
  /** By `resource.group`, with `*` for either. */
  transformers: ReadonlyMap<string, Transformer>;
  providers: readonly KmsProvider[];
}

/** Providers that are no longer configured finish what is under way; milliseconds. */
const closeGraceMs = 10_000;

const withKeys = (keys: readonly KeyConfiguration[], make: (key: Uint8Array) => Transformer, what: string): Transformer =>
  prefixed(
    keys.map(({ name = '', secret = '' }) => ({ prefix: `${name}:`, transformer: make(Buffer.from(secret, 'base64')) })),
    `no matching key was found for the provided ${what} transformer`,
  );

async function transformerOf(provider: ProviderConfiguration, log: Logger | undefined, providers: KmsProvider[]): Promise<PrefixedTransformer> {
  const { aesgcm, aescbc, secretbox: box, kms } = provider;
  if (aesgcm) return { prefix: 'k8s:enc:aesgcm:v1:', transformer: withKeys(aesgcm.keys ?? [], aesGcm, 'AES') };
  if (aescbc) return { prefix: 'k8s:enc:aescbc:v1:', transformer: withKeys(aescbc.keys ?? [], aesCbc, 'AES') };
  if (box) return { prefix: 'k8s:enc:secretbox:v1:', transformer: withKeys(box.keys ?? [], secretbox, 'Secretbox') };
  if (!kms) return { prefix: '', transformer: identity };
  const { createKmsProvider } = await import('./kms.ts');
  const { name = '', endpoint = '', timeout = '' } = kms;
  const made = await createKmsProvider({ name, endpoint, timeoutMs: parseDuration(timeout), log });
  providers.push(made);
  return { prefix: `k8s:enc:kms:v2:${name}:`, transformer: made.transformer };
}

async function load(config: EncryptionConfiguration, log: Logger | undefined): Promise<Loaded> {
  const chains = new Map<string, PrefixedTransformer[]>();
  const providers: KmsProvider[] = [];
  for (const { resources = [], providers: configured = [] } of config.resources ?? []) {
    const transformers: PrefixedTransformer[] = [];
    for (const provider of configured) transformers.push(await transformerOf(provider, log, providers));
    for (const text of resources) {
      const { group, resource } = parseGroupResource(text);
      const name = `${resource}.${group}`;
      chains.set(name, [...(chains.get(name) ?? []), ...transformers]);
    }
  }
  const transformers = new Map(Array.from(chains, ([name, chain]) => [name, prefixed(chain, 'no matching prefix found')]));
  return { transformers, providers };
}

/** The resource whose keys have the prefix: `/registry/core/secrets/` → `secrets.` */
function resourceOf(prefix: string): { group: string; resource: string } {
  const [group = '', resource = ''] = prefix.slice(registryPrefix.length).split('/');
  return { group: group === 'core' ? '' : group, resource };
}

/** @throws {ConfigurationError} */
export async function loadEncryption({ file, reload = false, log }: EncryptionOptions): Promise<Encryption> {
  const text = readText(encryptionFile.flag, file);
  let loaded = await load(parseConfiguration(encryptionFile, file, text), log);
  let byPrefix = new Map<string, Transformer | undefined>();

  function transformerFor(prefix: string): Transformer | undefined {
    const known = byPrefix.get(prefix);
    if (known || byPrefix.has(prefix)) return known;
    const { group, resource } = resourceOf(prefix);
    const { transformers } = loaded;
    const found = transformers.get(`${resource}.${group}`) ?? transformers.get(`*.${group}`) ?? transformers.get('*.*');
    byPrefix.set(prefix, found);
    return found;
  }

  async function take(next: string): Promise<void> {
    const fresh = await load(parseConfiguration(encryptionFile, file, next), log);
    try {
      // A configuration whose plugin does not answer would make every write fail.
      for (const provider of fresh.providers) await provider.check();
    } catch (error) {
      for (const provider of fresh.providers) provider.close();
      throw error;
    }
    const { providers } = loaded;
    loaded = fresh;
    byPrefix = new Map();
    setTimeout(() => {
      for (const provider of providers) provider.close();
    }, closeGraceMs).unref();
  }

  const unwatch = reload ? watchFile(file, text, take, log) : undefined;
  const check = async (): Promise<void> => {
    const failures = (await Promise.allSettled(loaded.providers.map((provider) => provider.check()))).flatMap((result, index) =>
      result.status === 'rejected' ? [`kms-provider-${index}: ${(result.reason as Error).message}`] : [],
    );
    if (failures.length > 0) throw new Error(failures.join(', '));
  };
  return {
    wrap: (store) => encryptedStore(store, transformerFor),
    healthChecks: reload || loaded.providers.length > 0 ? [{ name: 'kms-providers', check }] : [],
    close() {
      unwatch?.();
      for (const provider of loaded.providers) provider.close();
    },
  };
}
