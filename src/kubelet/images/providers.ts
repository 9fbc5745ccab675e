/**
 * Image credential providers: programs on the node that know how to get credentials for a registry. Source of the rule:
 * KEP-2133 (`CredentialProviderConfig`, exec plugins), KEP-4412 (tokens of the pod's service account).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { parseYaml } from '../../apimachinery/codec/yaml.ts';
import { parseDuration } from '../../apimachinery/duration.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { tokenFor } from '../volumes/token.ts';
import type { TrackedCredential } from './credentials.ts';
import { execPlugin, type PluginResponse } from './plugin.ts';
import { matchRegistry, registryOf, repositoryOf } from './reference.ts';

export interface TokenAttributes {
  serviceAccountTokenAudience: string;
  requireServiceAccount: boolean;
  cacheType: 'ServiceAccount' | 'Token';
  requiredServiceAccountAnnotationKeys?: string[];
  optionalServiceAccountAnnotationKeys?: string[];
}

export interface ProviderConfig {
  name: string;
  apiVersion: string;
  matchImages: string[];
  defaultCacheDuration: string;
  args?: string[];
  env?: { name: string; value: string }[];
  tokenAttributes?: TokenAttributes;
}

const pluginVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `credentialprovider.kubelet.k8s.io/${version}`);
const configVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `kubelet.config.k8s.io/${version}`);

function problemOf({ name, apiVersion, matchImages, defaultCacheDuration, tokenAttributes }: Partial<ProviderConfig>, names: string[]): string | undefined {
  if (!name || /[/\s]/.test(name) || name === '.' || name === '..') return `providers.name: Invalid value: ${JSON.stringify(name ?? '')}`;
  if (names.filter((other) => other === name).length > 1) return `providers.name: Duplicate value: "${name}"`;
  if (!apiVersion) return 'providers.apiVersion: Required value';
  if (!pluginVersions.includes(apiVersion)) return `providers.apiVersion: Unsupported value: "${apiVersion}": supported values: ${pluginVersions.join(', ')}`;
  if (!matchImages?.length) return 'providers.matchImages: Required value: at least 1 item in matchImages is required';
  if (defaultCacheDuration === undefined) return 'providers.defaultCacheDuration: Required value';
  if (parseDuration(defaultCacheDuration) < 0) return 'providers.defaultCacheDuration: Invalid value: must be greater than or equal to 0';
  if (!tokenAttributes) return undefined;
  if (!tokenAttributes.serviceAccountTokenAudience) return 'providers.tokenAttributes.serviceAccountTokenAudience: Required value';
  if (tokenAttributes.requireServiceAccount === undefined) return 'providers.tokenAttributes.requireServiceAccount: Required value';
  if (!['ServiceAccount', 'Token'].includes(tokenAttributes.cacheType))
    return 'providers.tokenAttributes.cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. Supported values are: ServiceAccount, Token';
  return undefined;
}

/** Throws with what is wrong, in upstream's words. */
export function parseProviders(text: string): ProviderConfig[] {
  const raw = parseYaml(text) as { apiVersion?: string; kind?: string; providers?: ProviderConfig[] } | null;
  if (raw?.kind !== 'CredentialProviderConfig') throw new Error(`failed to decode "${raw?.kind ?? ''}" (wrong Kind)`);
  if (!configVersions.includes(raw.apiVersion ?? '')) throw new Error(`failed to decode CredentialProviderConfig, unexpected version: ${raw.apiVersion ?? ''}`);
  const providers = raw.providers ?? [];
  if (providers.length === 0) throw new Error('providers: Required value: at least 1 item in plugins is required');
  const names = providers.map(({ name }) => name);
  for (const provider of providers) {
    const problem = problemOf(provider, names);
    if (problem) throw new Error(`invalid credential provider configuration: ${problem}`);
  }
  return providers;
}

/** Credentials of all providers for an image, best match first. */
export type Providers = (pod: Pod, image: string) => Promise<TrackedCredential[]>;

export interface ProvidersInput {
  providers: readonly ProviderConfig[];
  binDir: string;
  context: KubeletContext;
}

interface Account {
  uid: string;
  annotations: Record<string, string>;
  token: string;
}

export function createProviders({ providers, binDir, context }: ProvidersInput): Providers {
  const { client, log } = context;
  const cache = new Map<string, { auth: PluginResponse['auth']; until: number }>();
  const running = new Map<string, Promise<PluginResponse>>();

  /** Undefined when the provider has nothing to do with such a pod. */
  async function accountOf(pod: Pod, wanted: TokenAttributes): Promise<Account | undefined> {
    const { namespace = '' } = pod.metadata;
    const account = await client.resource(serviceaccounts).get(namespace, pod.spec.serviceAccountName ?? '');
    const have = account.metadata.annotations ?? {};
    const required = wanted.requiredServiceAccountAnnotationKeys ?? [];
    if (required.some((key) => have[key] === undefined)) return undefined;
    const keys = [...required, ...(wanted.optionalServiceAccountAnnotationKeys ?? [])];
    const { token } = await tokenFor(context, pod, { audience: wanted.serviceAccountTokenAudience });
    return {
      uid: account.metadata.uid ?? '',
      annotations: Object.fromEntries(keys.flatMap((key) => (have[key] === undefined ? [] : [[key, have[key]]]))),
      token,
    };
  }

  async function ask(provider: ProviderConfig, image: string, account: Account | undefined): Promise<PluginResponse['auth']> {
    const { tokenAttributes } = provider;
    const owner = !account ? '' : tokenAttributes?.cacheType === 'Token' ? account.token : JSON.stringify([account.uid, account.annotations]);
    const keyOf = (scope: string): string => JSON.stringify([provider.name, scope, owner]);
    const now = context.now().getTime();
    for (const [key, { until }] of cache) if (until <= now) cache.delete(key);
    const known = [image, registryOf(image).host, '<global>'].map((scope) => cache.get(keyOf(scope))).find((entry) => entry !== undefined);
    if (known) return known.auth;
    const flight = JSON.stringify([provider.name, image, owner]);
    let answer = running.get(flight);
    if (!answer) {
      const request = account ? { image, serviceAccountToken: account.token, serviceAccountAnnotations: account.annotations } : { image };
      answer = execPlugin(provider, binDir, request).finally(() => running.delete(flight));
      running.set(flight, answer);
    }
    const { auth, cacheKeyType, cacheDuration } = await answer;
    if (account && tokenAttributes?.cacheType !== 'Token' && Object.values(auth).some(({ password }) => password === account.token))
      throw new Error(
        "credential provider plugin returned the service account token as the password which is not allowed when service account cache type is not set to 'Token'",
      );
    const lasts = parseDuration(cacheDuration ?? provider.defaultCacheDuration);
    const scope = { Image: image, Registry: registryOf(image).host, Global: '<global>' }[cacheKeyType];
    if (lasts > 0) cache.set(keyOf(scope), { auth, until: now + lasts });
    return auth;
  }

  async function provide(provider: ProviderConfig, pod: Pod, image: string): Promise<{ score: number; found: TrackedCredential }[]> {
    if (!provider.matchImages.some((pattern) => matchRegistry(pattern, image) >= 0)) return [];
    const { serviceAccountName: name } = pod.spec;
    const { tokenAttributes } = provider;
    if (tokenAttributes?.requireServiceAccount && !name) return [];
    const account = tokenAttributes && name ? await accountOf(pod, tokenAttributes) : undefined;
    if (tokenAttributes && name && !account) return [];
    const auth = await ask(provider, image, account);
    return Object.entries(auth).flatMap(([pattern, { username = '', password = '' }]) => {
      const score = matchRegistry(pattern, image);
      const serviceAccount = account && { uid: account.uid, namespace: pod.metadata.namespace ?? '', name: name ?? '' };
      const found = { auth: { username, password }, ...(serviceAccount ? { serviceAccount } : {}) };
      return score < 0 ? [] : [{ score, found }];
    });
  }

  return async (pod, image) => {
    const repository = repositoryOf(image);
    const all = await Promise.all(
      providers.map((provider) =>
        provide(provider, pod, repository).catch((error: unknown) => {
          log.error({ provider: provider.name, image, err: messageOf(error) }, 'failed to provide credentials for an image');
          return [];
        }),
      ),
    );
    return all
      .flat()
      .sort((a, b) => b.score - a.score)
      .map(({ found }) => found);
  };
}

/** Reads the configuration; throws for one that is wrong. */
export function loadProviders(context: KubeletContext): Providers {
  const { credentialProviders } = context.options;
  if (!credentialProviders) return async () => [];
  const providers = parseProviders(readFileSync(credentialProviders.config, 'utf8'));
  for (const { name } of providers) readFileSync(join(credentialProviders.binDir, name));
  return createProviders({ providers, binDir: credentialProviders.binDir, context });
}
