/** What of authentication is configured by files: OpenID Connect issuers, a webhook, a list of tokens, who may come anonymously. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { expiringCache } from '../configuration/expiring.ts';
import { ConfigurationError, parseConfiguration, readText } from '../configuration/load.ts';
import { watchFile } from '../configuration/watch.ts';
import type { AnonymousOptions } from './authenticator.ts';
import type { OidcAuthenticator } from './oidc/authenticator.ts';
import type { AuthenticationConfiguration, OidcFlags } from './oidc/configuration.ts';
import { anyTokenAuthenticator, type TokenAuthenticator, type TokenIdentity } from './token.ts';

export interface ConfiguredTokens {
  tokens: TokenAuthenticator[];
  /** What the file says of anonymous requests, if it does. */
  anonymous?: AnonymousOptions;
  close(): void;
}

export interface ConfiguredOptions {
  /** `--authentication-config`; read again when it changes. */
  file?: string;
  oidc?: OidcFlags;
  webhook?: { kubeconfig: string; version?: string; cacheTtlMs?: number };
  tokenFile?: string;
  /** Of service accounts: nobody else may claim them. */
  serviceAccountIssuers: readonly string[];
  apiAudiences: readonly string[];
  now?: (() => Date) | undefined;
  log?: Logger | undefined;
}

/** How long it is believed that a token is good, and how long a changed configuration may take to become usable; milliseconds. */
const successTtlMs = 10_000;
const usableWithinMs = 60_000;
const webhookTtlMs = 2 * 60_000;
const cacheSize = 8192;

interface Issuers {
  authenticate: TokenAuthenticator;
  all: readonly OidcAuthenticator[];
  close(): void;
}

async function createIssuers(
  { jwt = [] }: AuthenticationConfiguration,
  algorithms: readonly string[] | undefined,
  options: ConfiguredOptions,
): Promise<Issuers> {
  const { allAlgorithms, createOidcAuthenticator } = await import('./oidc/authenticator.ts');
  const { now, log } = options;
  const all = jwt.map((configuration) => createOidcAuthenticator({ configuration, algorithms: algorithms ?? allAlgorithms, now, log }));
  const authenticate = anyTokenAuthenticator(all.map((one) => one.authenticate));
  const known = expiringCache<TokenIdentity>(cacheSize);
  return {
    all,
    async authenticate(token, audiences) {
      const found = known.get(token);
      if (found) return found;
      const identity = await authenticate(token, audiences);
      if (identity) known.set(token, identity, successTtlMs);
      return identity;
    },
    close() {
      for (const one of all) one.close();
    },
  };
}

/** Resolves when all issuers can be used. @throws the reason why one can not, after a minute */
async function untilUsable({ all }: Issuers): Promise<void> {
  const deadline = Date.now() + usableWithinMs;
  for (const issuer of all) {
    await issuer.tried;
    while (issuer.problem) {
      if (Date.now() > deadline) throw issuer.problem;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

const anonymousOf = ({ anonymous }: AuthenticationConfiguration): AnonymousOptions | undefined =>
  anonymous && {
    enabled: anonymous.enabled ?? false,
    ...(anonymous.conditions?.length ? { paths: anonymous.conditions.map(({ path = '' }) => path) } : {}),
  };

async function fromFile(file: string, options: ConfiguredOptions): Promise<ConfiguredTokens> {
  const { authenticationFile } = await import('./oidc/configuration.ts');
  const kind = authenticationFile(options.serviceAccountIssuers);
  const text = readText(kind.flag, file);
  const first = parseConfiguration(kind, file, text);
  let issuers = await createIssuers(first, undefined, options);
  const unwatch = watchFile(
    file,
    text,
    async (next) => {
      const config = parseConfiguration(kind, file, next);
      if (!isDeepStrictEqual(config.anonymous, first.anonymous))
        throw new ConfigurationError(kind.flag, file, 'anonymous: Forbidden: changed from initial configuration file');
      const fresh = await createIssuers(config, undefined, options);
      try {
        await untilUsable(fresh);
      } catch (error) {
        fresh.close();
        throw error;
      }
      issuers.close();
      issuers = fresh;
    },
    options.log,
  );
  const anonymous = anonymousOf(first);
  return {
    tokens: [(token, audiences) => issuers.authenticate(token, audiences)],
    ...(anonymous ? { anonymous } : {}),
    close() {
      unwatch();
      issuers.close();
    },
  };
}

async function fromFlags(flags: OidcFlags, options: ConfiguredOptions): Promise<ConfiguredTokens> {
  const { authenticationFile, configurationOfFlags } = await import('./oidc/configuration.ts');
  const config = configurationOfFlags(flags);
  const [wrong] = authenticationFile(options.serviceAccountIssuers).validate(config);
  if (wrong) throw new ConfigurationError('oidc-issuer-url', flags.issuerUrl, wrong.message());
  const issuers = await createIssuers(config, flags.signingAlgs?.length ? flags.signingAlgs : ['RS256'], options);
  return { tokens: [issuers.authenticate], close: issuers.close };
}

async function fromWebhook(
  { kubeconfig, version = 'v1beta1', cacheTtlMs = webhookTtlMs }: NonNullable<ConfiguredOptions['webhook']>,
  apiAudiences: readonly string[],
): Promise<ConfiguredTokens> {
  const [{ createWebhook }, { createTokenWebhook }] = await Promise.all([import('../configuration/webhook.ts'), import('./webhook.ts')]);
  const webhook = await createWebhook({ flag: 'authentication-token-webhook-config-file', kubeconfig });
  return { tokens: [createTokenWebhook({ webhook, version, apiAudiences, cacheTtlMs })], close: webhook.close };
}

/** @throws {ConfigurationError} */
export async function createConfiguredTokens(options: ConfiguredOptions): Promise<ConfiguredTokens> {
  const { file, oidc, webhook, tokenFile, apiAudiences } = options;
  const parts: ConfiguredTokens[] = [];
  if (tokenFile !== undefined) parts.push({ tokens: [(await import('./tokenfile.ts')).createTokenFile(tokenFile)], close: () => {} });
  if (file !== undefined) parts.push(await fromFile(file, options));
  if (oidc) parts.push(await fromFlags(oidc, options));
  if (webhook) parts.push(await fromWebhook(webhook, apiAudiences));
  const anonymous = parts.find((part) => part.anonymous)?.anonymous;
  return {
    tokens: parts.flatMap(({ tokens }) => tokens),
    ...(anonymous ? { anonymous } : {}),
    close() {
      for (const part of parts) part.close();
    },
  };
}
