/** Who comes in, who may do what, what is recorded, encrypted and served: what the flags of the API server come to. */
import { readFileSync } from 'node:fs';
import type { AuditConfiguration, AuditMode } from '../../apiserver/audit/backends.ts';
import type { AuthenticationOptions } from '../../apiserver/authentication/index.ts';
import type { AuthorizationOptions } from '../../apiserver/authorization/index.ts';
import type { EncryptionOptions } from '../../apiserver/storage/encryption/index.ts';
import { UserError } from '../config.ts';
import { type ApiServerFlag, type ApiServerFlags, apiServerFlagNames } from './apiserverflags.ts';
import { flagReader } from './flagvalues.ts';
import { type Serving, servingOf } from './serving.ts';

type ServiceAccounts = Partial<AuthenticationOptions['serviceAccounts']>;

export interface Access {
  authentication: Partial<Pick<AuthenticationOptions, 'file' | 'oidc' | 'webhook' | 'tokenFile' | 'requestHeader' | 'bootstrapTokens' | 'anonymous'>>;
  serviceAccounts: ServiceAccounts;
  /** PEM: authorities of client certificates, besides the cluster's own. */
  clientCa?: string;
  authorization: Pick<AuthorizationOptions, 'file' | 'configuration'>;
  audit: AuditConfiguration;
  encryption?: Pick<EncryptionOptions, 'file' | 'reload'>;
  runtimeConfig?: string;
  serving: Serving;
}

type Reader = ReturnType<typeof flagReader>;

/** Leaves out what is undefined, so that defaults apply. */
const given = <T extends object>(values: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

function pem(flag: ApiServerFlag, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const content = readFileSync(file, 'utf8');
    if (content.includes('-----BEGIN ')) return content;
  } catch (error) {
    throw new UserError(`--${flag}: ${file}: ${(error as Error).message}`);
  }
  throw new UserError(`--${flag}: ${file}: there is no PEM in it`);
}

function oidcOf({ flags, text, list, texts }: Reader): Access['authentication']['oidc'] {
  const names = apiServerFlagNames.filter((name) => name.startsWith('oidc-') && flags[name] !== undefined);
  if (names.length === 0) return undefined;
  const [issuerUrl, clientId] = [text('oidc-issuer-url'), text('oidc-client-id')];
  if (!issuerUrl || !clientId) throw new UserError('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set', 2);
  if (flags['authentication-config']) throw new UserError('authentication-config file and oidc-* flags are mutually exclusive', 2);
  const requiredClaims = texts('oidc-required-claim')?.map((one) => {
    const equals = one.indexOf('=');
    if (equals < 1) throw new UserError(`--oidc-required-claim: '${one}' is not of the form claim=value`, 2);
    return [one.slice(0, equals), one.slice(equals + 1)];
  });
  return {
    issuerUrl,
    clientId,
    ...given<Partial<NonNullable<Access['authentication']['oidc']>>>({
      ca: pem('oidc-ca-file', text('oidc-ca-file')),
      usernameClaim: text('oidc-username-claim'),
      usernamePrefix: text('oidc-username-prefix'),
      groupsClaim: text('oidc-groups-claim'),
      groupsPrefix: text('oidc-groups-prefix'),
      signingAlgs: list('oidc-signing-algs'),
      requiredClaims: requiredClaims && Object.fromEntries(requiredClaims),
    }),
  };
}

function authenticationOf(reader: Reader): Access['authentication'] {
  const { text, list, duration, toggle } = reader;
  const kubeconfig = text('authentication-token-webhook-config-file');
  const proxyCa = pem('requestheader-client-ca-file', text('requestheader-client-ca-file'));
  const anonymous = toggle('anonymous-auth');
  return given<Access['authentication']>({
    file: text('authentication-config'),
    oidc: oidcOf(reader),
    webhook:
      kubeconfig === undefined
        ? undefined
        : {
            kubeconfig,
            ...given({
              version: reader.oneOf('authentication-token-webhook-version', ['v1', 'v1beta1']),
              cacheTtlMs: duration('authentication-token-webhook-cache-ttl'),
            }),
          },
    tokenFile: text('token-auth-file'),
    requestHeader:
      proxyCa === undefined
        ? undefined
        : {
            ca: proxyCa,
            allowedNames: list('requestheader-allowed-names') ?? [],
            usernameHeaders: list('requestheader-username-headers') ?? ['X-Remote-User'],
            uidHeaders: list('requestheader-uid-headers') ?? ['X-Remote-Uid'],
            groupHeaders: list('requestheader-group-headers') ?? ['X-Remote-Group'],
            extraHeaderPrefixes: list('requestheader-extra-headers-prefix') ?? ['X-Remote-Extra-'],
          },
    bootstrapTokens: toggle('enable-bootstrap-token-auth'),
    anonymous: anonymous === undefined ? undefined : { enabled: anonymous },
  });
}

function serviceAccountsOf({ text, texts, list, duration, toggle }: Reader): ServiceAccounts {
  const issuers = texts('service-account-issuer');
  if (issuers?.some((issuer, index) => issuer === '' || issuers.indexOf(issuer) < index)) {
    throw new UserError('--service-account-issuer: an issuer is empty, or named twice', 2);
  }
  const jwksUri = text('service-account-jwks-uri');
  if (jwksUri !== undefined && !jwksUri.startsWith('https://')) throw new UserError('service-account-jwks-uri requires https scheme', 2);
  const longest = duration('service-account-max-token-expiration');
  return given<ServiceAccounts>({
    signingKey: pem('service-account-signing-key-file', text('service-account-signing-key-file')),
    verificationKeys: texts('service-account-key-file')?.map((file) => pem('service-account-key-file', file) ?? ''),
    issuers,
    audiences: list('api-audiences'),
    jwksUri,
    maxExpirationSeconds: longest === undefined ? undefined : Math.floor(longest / 1000),
    extendExpiration: toggle('service-account-extend-token-expiration'),
  });
}

const authorizerTypes: readonly string[] = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'];

async function authorizationOf({ flags, text, list }: Reader): Promise<Access['authorization']> {
  const file = text('authorization-config');
  const single = apiServerFlagNames.some((name) => /^authorization-(?:mode|webhook-)/.test(name) && flags[name] !== undefined);
  if (file !== undefined) {
    if (single) throw new UserError('--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined', 2);
    return { file };
  }
  if (!single) return {};
  const modes = list('authorization-mode') ?? ['Node', 'RBAC'];
  for (const mode of modes) {
    if (!authorizerTypes.includes(mode)) throw new UserError(`--authorization-mode: '${mode}' is not supported; there are ${authorizerTypes.join(', ')}`, 2);
    if (modes.indexOf(mode) !== modes.lastIndexOf(mode)) throw new UserError(`--authorization-mode: '${mode}' has mode specified more than once`, 2);
  }
  const webhookConfigFile = text('authorization-webhook-config-file');
  if (modes.includes('Webhook') !== (webhookConfigFile !== undefined)) {
    throw new UserError("--authorization-mode: mode 'Webhook' and --authorization-webhook-config-file belong together", 2);
  }
  const { authorizationFile, configurationOfFlags } = await import('../../apiserver/authorization/configuration.ts');
  const configuration = configurationOfFlags({
    modes,
    ...given({
      webhookConfigFile,
      webhookVersion: text('authorization-webhook-version'),
      webhookAuthorizedTtl: text('authorization-webhook-cache-authorized-ttl'),
      webhookUnauthorizedTtl: text('authorization-webhook-cache-unauthorized-ttl'),
    }),
  });
  const [wrong] = authorizationFile.validate(configuration);
  if (wrong) throw new UserError(`--authorization-mode, --authorization-webhook-*: ${wrong.message()}`, 2);
  return { configuration };
}

const defaultEventSize = 102_400;
const modes: readonly AuditMode[] = ['batch', 'blocking', 'blocking-strict'];

async function auditOf(reader: Reader): Promise<AuditConfiguration> {
  const { text, count, duration, toggle, oneOf } = reader;
  const [policyFile, path, kubeconfig] = [text('audit-policy-file'), text('audit-log-path'), text('audit-webhook-config-file')];
  if (policyFile === undefined) return {};
  if (path === undefined && kubeconfig === undefined)
    throw new UserError('--audit-policy-file: nothing is recorded without --audit-log-path or --audit-webhook-config-file', 2);
  const { batchOfFile, batchOfWebhook } = await import('../../apiserver/audit/backends.ts');
  const truncateOf = (of: 'log' | 'webhook') =>
    toggle(`audit-${of}-truncate-enabled`) ? { truncate: { maxEventSize: count(`audit-${of}-truncate-max-event-size`) ?? defaultEventSize } } : {};
  const logFile = path !== undefined && {
    path,
    mode: oneOf('audit-log-mode', modes) ?? 'blocking',
    format: oneOf('audit-log-format', ['json', 'legacy'] as const) ?? 'json',
    maxSize: count('audit-log-maxsize') ?? 0,
    maxAge: count('audit-log-maxage') ?? 0,
    maxBackups: count('audit-log-maxbackup') ?? 0,
    compress: toggle('audit-log-compress') ?? false,
    batch: batchOfFile,
    ...truncateOf('log'),
  };
  const throttle = { qps: count('audit-webhook-batch-throttle-qps') ?? 10, burst: count('audit-webhook-batch-throttle-burst') ?? 15 };
  const webhook = kubeconfig !== undefined && {
    kubeconfig,
    mode: oneOf('audit-webhook-mode', modes) ?? 'batch',
    initialBackoffMs: duration('audit-webhook-initial-backoff') ?? 10_000,
    batch: {
      bufferSize: count('audit-webhook-batch-buffer-size') ?? batchOfWebhook.bufferSize,
      maxSize: count('audit-webhook-batch-max-size') ?? batchOfWebhook.maxSize,
      maxWaitMs: duration('audit-webhook-batch-max-wait') ?? batchOfWebhook.maxWaitMs,
      ...(toggle('audit-webhook-batch-throttle-enable') === false ? {} : { throttle }),
    },
    ...truncateOf('webhook'),
  };
  return { policyFile, ...(logFile ? { logFile } : {}), ...(webhook ? { webhook } : {}) };
}

/** @throws {UserError} for flags that contradict each other, and for files of keys and certificates that can't be read */
export async function accessOf(flags: ApiServerFlags): Promise<Access> {
  const reader = flagReader(flags);
  const { text, toggle } = reader;
  const file = text('encryption-provider-config');
  const reload = toggle('encryption-provider-config-automatic-reload');
  if (file === undefined && reload) throw new UserError('--encryption-provider-config-automatic-reload must be set with --encryption-provider-config', 2);
  const runtimeConfig = reader.list('runtime-config')?.join(',');
  const clientCa = pem('client-ca-file', text('client-ca-file'));
  return {
    authentication: authenticationOf(reader),
    serviceAccounts: serviceAccountsOf(reader),
    authorization: await authorizationOf(reader),
    audit: await auditOf(reader),
    serving: servingOf(reader),
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(file === undefined ? {} : { encryption: { file, reload: reload ?? false } }),
    ...(runtimeConfig === undefined ? {} : { runtimeConfig }),
  };
}

/** Reads all files, so that what is wrong with one is said before anything is started. @throws {UserError} */
export async function checkAccess(flags: ApiServerFlags): Promise<void> {
  const { authentication, authorization, audit, encryption, serviceAccounts, runtimeConfig } = await accessOf(flags);
  const { readConfiguration } = await import('../../apiserver/configuration/load.ts');
  try {
    if (authentication.file !== undefined) {
      const { authenticationFile } = await import('../../apiserver/authentication/oidc/configuration.ts');
      readConfiguration(authenticationFile(serviceAccounts.issuers ?? []), authentication.file);
    }
    if (authorization.file !== undefined)
      readConfiguration((await import('../../apiserver/authorization/configuration.ts')).authorizationFile, authorization.file);
    if (audit.policyFile !== undefined) readConfiguration((await import('../../apiserver/audit/policy.ts')).auditPolicyFile, audit.policyFile);
    if (encryption) readConfiguration((await import('../../apiserver/storage/encryption/configuration.ts')).encryptionFile, encryption.file);
  } catch (error) {
    if (error instanceof Error && error.name === 'ConfigurationError') throw new UserError(error.message);
    throw error;
  }
  if (runtimeConfig !== undefined) await enabledKinds(runtimeConfig);
}

/** @throws {UserError} */
export async function enabledKinds(runtimeConfig: string) {
  const [{ parseRuntimeConfig }, { builtinKinds }] = await Promise.all([import('../../apiserver/runtimeconfig.ts'), import('../../api/index.ts')]);
  try {
    return parseRuntimeConfig(runtimeConfig, builtinKinds);
  } catch (error) {
    throw new UserError(`--runtime-config: ${(error as Error).message}`, 2);
  }
}
