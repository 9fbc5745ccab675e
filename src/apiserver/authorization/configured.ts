/** The chain of authorizers that a configuration asks for, exchanged as a whole when its file changes. */
import type { Logger } from 'pino';
import type { UserInfo } from '../../api/kind.ts';
import type { PolicyRule } from '../../api/rbac/v1/types.gen.ts';
import { nodeIdentity } from '../authentication/identities.ts';
import { ConfigurationError, parseConfiguration, readText } from '../configuration/load.ts';
import { watchFile } from '../configuration/watch.ts';
import type { Webhook } from '../configuration/webhook.ts';
import type { Authorizer } from '../contracts.ts';
import { alwaysAllowedPaths, authorizePaths, authorizePrivilegedGroup, createAuthorizerChain } from './chain.ts';
import type { AuthorizationConfiguration, WebhookConfiguration } from './configuration.ts';
import type { Rbac } from './rbac.ts';

export interface UserRules {
  rules: PolicyRule[];
  errors: string[];
  /** Somebody else has a say who can't list what they allow. */
  incomplete: boolean;
}

/** What a user may do in a namespace, as far as it can be listed. */
export type RuleResolver = (user: UserInfo, namespace: string) => Promise<UserRules>;

export interface Chain {
  authorize: Authorizer;
  rulesFor: RuleResolver;
}

interface BuiltChain extends Chain {
  close(): void;
}

interface Parts {
  node: Authorizer;
  rbac: Rbac;
  log?: Logger | undefined;
}

const nothing: UserRules = { rules: [], errors: [], incomplete: false };
const everything: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** By type, but for webhooks. */
const builtin = ({ node, rbac }: Parts): Record<string, Chain> => ({
  Node: {
    authorize: node,
    rulesFor: async (user) =>
      nodeIdentity(user).isNode ? { ...nothing, errors: ['node authorizer does not support user rule resolution'], incomplete: true } : nothing,
  },
  RBAC: { authorize: rbac.authorizer, rulesFor: async (user, namespace) => ({ ...(await rbac.rulesFor(user, namespace)), incomplete: false }) },
  AlwaysAllow: { authorize: () => ({ decision: 'allow', reason: '' }), rulesFor: async () => ({ ...nothing, rules: everything }) },
  AlwaysDeny: { authorize: () => ({ decision: 'no-opinion', reason: 'Everything is forbidden.' }), rulesFor: async () => nothing },
});

async function webhookChain(configuration: WebhookConfiguration, flag: string, log: Logger | undefined): Promise<{ chain: Chain; webhook: Webhook }> {
  // Loaded by servers that ask webhooks: the others start without CEL and the client.
  const [{ createWebhook }, { createWebhookAuthorizer }, { compileMatchCondition }, { durationMs }] = await Promise.all([
    import('../configuration/webhook.ts'),
    import('./webhook/authorizer.ts'),
    import('./webhook/conditions.ts'),
    import('./configuration.ts'),
  ]);
  const { connectionInfo, timeout, failurePolicy, subjectAccessReviewVersion: version = 'v1', matchConditions = [] } = configuration;
  if (connectionInfo?.type === 'InClusterConfig') {
    throw new ConfigurationError(flag, 'connectionInfo', 'InClusterConfig needs a server that runs as a pod; use type KubeConfigFile');
  }
  const webhook = await createWebhook({ flag, kubeconfig: connectionInfo?.kubeConfigFile ?? '', timeoutMs: durationMs(timeout) });
  const authorize = createWebhookAuthorizer({
    webhook,
    version,
    authorizedTtlMs: configuration.cacheAuthorizedRequests ? durationMs(configuration.authorizedTTL) : 0,
    unauthorizedTtlMs: configuration.cacheUnauthorizedRequests ? durationMs(configuration.unauthorizedTTL) : 0,
    onFailure: failurePolicy === 'Deny' ? 'deny' : 'no-opinion',
    conditions: matchConditions.map(({ expression = '' }) => compileMatchCondition(expression)),
    log,
  });
  const rulesFor: RuleResolver = async () => ({ ...nothing, errors: ['webhook authorizer does not support user rule resolution'], incomplete: true });
  return { chain: { authorize, rulesFor }, webhook };
}

/** @throws {ConfigurationError} */
async function build({ authorizers = [] }: AuthorizationConfiguration, flag: string, parts: Parts): Promise<BuiltChain> {
  const known = builtin(parts);
  const chains: Chain[] = [];
  const webhooks: Webhook[] = [];
  for (const { type = '', webhook } of authorizers) {
    const one = known[type];
    if (one) chains.push(one);
    else if (webhook) {
      const made = await webhookChain(webhook, flag, parts.log);
      chains.push(made.chain);
      webhooks.push(made.webhook);
    }
  }
  return {
    authorize: createAuthorizerChain([authorizePrivilegedGroup, authorizePaths(alwaysAllowedPaths), ...chains.map(({ authorize }) => authorize)]),
    async rulesFor(user, namespace) {
      const all = await Promise.all(chains.map((chain) => chain.rulesFor(user, namespace)));
      return {
        rules: all.flatMap(({ rules }) => rules),
        errors: all.flatMap(({ errors }) => errors),
        incomplete: all.some(({ incomplete }) => incomplete),
      };
    },
    close() {
      for (const webhook of webhooks) webhook.close();
    },
  };
}

export interface ChainOptions extends Parts {
  /** Of `--authorization-config`; read again when it changes. */
  file?: string;
  /** Where there is no file. Default: Node, RBAC. */
  configuration?: AuthorizationConfiguration;
}

const byDefault: AuthorizationConfiguration = { authorizers: [{ type: 'Node' }, { type: 'RBAC' }] };
/** Questions that are under way when the configuration changes are still answered; milliseconds. */
const closeGraceMs = 60_000;

/** @throws {ConfigurationError} */
export async function createChain(options: ChainOptions): Promise<BuiltChain> {
  const { file, log } = options;
  if (file === undefined) return build(options.configuration ?? byDefault, 'authorization-webhook-config-file', options);
  const { authorizationFile } = await import('./configuration.ts');
  const { flag } = authorizationFile;
  const text = readText(flag, file);
  const first = parseConfiguration(authorizationFile, file, text);
  let current = await build(first, flag, options);
  const unwatch = watchFile(
    file,
    text,
    async (next) => {
      const fresh = await build(parseConfiguration(authorizationFile, file, next), flag, options);
      const before = current;
      current = fresh;
      setTimeout(() => before.close(), closeGraceMs).unref();
    },
    log,
  );
  return {
    authorize: (attributes) => current.authorize(attributes),
    rulesFor: (user, namespace) => current.rulesFor(user, namespace),
    close() {
      unwatch();
      current.close();
    },
  };
}
