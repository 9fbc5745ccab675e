/** Kubeconfig files: which server, whom to trust, who we are. Exec and auth-provider plugins are not supported. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { type ClientCredentials, createHttpsTransport, type HttpsTransportOptions } from './https.ts';
import type { Transport } from './transport.ts';

export interface KubeconfigCluster {
  server: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
}

export interface KubeconfigUser {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  exec?: unknown;
  'auth-provider'?: unknown;
}

export interface Kubeconfig {
  apiVersion?: string;
  kind?: string;
  'current-context'?: string;
  clusters?: { name: string; cluster: KubeconfigCluster }[];
  users?: { name: string; user: KubeconfigUser }[];
  contexts?: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
}

export interface LoadedKubeconfig {
  transport: HttpsTransportOptions;
  /** The context's, `default` when it names none. */
  namespace: string;
}

/**
 * Reads a kubeconfig. Relative paths in a file are relative to its folder, as kubectl has it; files of certificates
 * and tokens are read again when they change. `context` is `current-context` unless given.
 */
export async function loadKubeconfig(source: string | Kubeconfig, options: { context?: string } = {}): Promise<LoadedKubeconfig> {
  const config = typeof source === 'string' ? (parse(await readFile(source, 'utf8')) as Kubeconfig | null) : source;
  const folder = typeof source === 'string' ? dirname(resolve(source)) : process.cwd();
  const name = options.context ?? config?.['current-context'] ?? '';
  const context = config?.contexts?.find((one) => one.name === name)?.context;
  if (!config || !context) throw new Error(`kubeconfig${typeof source === 'string' ? ` ${source}` : ''}: no context ${JSON.stringify(name)}`);
  const cluster = config.clusters?.find((one) => one.name === context.cluster)?.cluster;
  if (!cluster?.server) throw new Error(`kubeconfig: context ${JSON.stringify(name)} names no cluster with a server`);
  const user = config.users?.find((one) => one.name === context.user)?.user ?? {};
  if (user.exec !== undefined || user['auth-provider'] !== undefined) {
    throw new Error(`kubeconfig: user ${JSON.stringify(context.user)} uses a credential plugin, which is not supported`);
  }
  const at = (file: string): string => resolve(folder, file);
  const ca = cluster['certificate-authority-data'] ?? cluster['certificate-authority'];
  return {
    namespace: context.namespace ?? 'default',
    transport: {
      server: cluster.server,
      credentials: credentialsOf(user, at),
      ...(ca === undefined ? {} : { ca: cluster['certificate-authority-data'] ? Buffer.from(ca, 'base64') : await readFile(at(ca)) }),
      ...(cluster['tls-server-name'] ? { serverName: cluster['tls-server-name'] } : {}),
      ...(cluster['insecure-skip-tls-verify'] ? { insecureSkipTlsVerify: true } : {}),
    },
  };
}

/** An HTTPS transport as the kubeconfig describes it; with `token`, as its bearer instead of the kubeconfig's user. */
export async function transportFromKubeconfig(
  source: string | Kubeconfig,
  { token, ...options }: { context?: string; token?: () => Promise<string> } = {},
): Promise<Transport> {
  const { transport } = await loadKubeconfig(source, options);
  return createHttpsTransport(token ? { ...transport, credentials: async () => ({ token: await token() }) } : transport);
}

function credentialsOf(user: KubeconfigUser, at: (file: string) => string): () => Promise<ClientCredentials> {
  const source = (data: string | undefined, file: string | undefined): (() => Promise<Buffer | undefined>) => {
    if (data) {
      const bytes = Buffer.from(data, 'base64');
      return async () => bytes;
    }
    return file ? cachedFile(at(file)) : async () => undefined;
  };
  const cert = source(user['client-certificate-data'], user['client-certificate']);
  const key = source(user['client-key-data'], user['client-key']);
  // As in client-go, a token file wins over an inline token.
  const token = user.tokenFile ? cachedFile(at(user.tokenFile)) : async () => user.token;
  return async () => ({ cert: await cert(), key: await key(), token: (await token())?.toString().trim() || undefined });
}

/** How long a file is believed to be unchanged; client-go looks at token files once a minute. */
const recheckMs = 10_000;

function cachedFile(file: string): () => Promise<Buffer> {
  let content: Buffer | undefined;
  let modified = 0;
  let checked = 0;
  return async () => {
    const age = Date.now() - checked;
    // Not when the clock was set back.
    if (content && age >= 0 && age < recheckMs) return content;
    const { mtimeMs } = await stat(file);
    if (!content || mtimeMs !== modified) content = await readFile(file);
    modified = mtimeMs;
    checked = Date.now();
    return content;
  };
}
