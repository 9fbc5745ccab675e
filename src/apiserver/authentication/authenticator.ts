/**
 * Who sends a request. Asked in upstream's order: in-process identity, front proxy, client certificate, bearer token, nobody.
 */
import type { UserInfo } from '../../api/kind.ts';
import { unauthorized } from '../../apimachinery/errors.ts';
import type { KeySet } from '../../apimachinery/tokenkeys.ts';
import type { Authenticator, Credentials, ObjectReader, PeerCertificate } from '../contracts.ts';
import { createBootstrapTokenAuthenticator } from './bootstraptoken.ts';
import { certificateUser, createCertificateVerifier, type RequestHeaderOptions, requestHeaderUser } from './certificates.ts';
import { allAuthenticated, allUnauthenticated, anonymousUser } from './identities.ts';
import { createServiceAccountAuthenticator } from './serviceaccount.ts';
import { anyTokenAuthenticator, bearerTokenOf, type TokenAuthenticator, type TokenIdentity, webSocketTokenOf } from './token.ts';

export interface AnonymousOptions {
  enabled: boolean;
  /** Lets anonymous requests in for these paths alone; absent means every path. */
  paths?: readonly string[];
}

export interface AuthenticatorOptions {
  reader: ObjectReader;
  /** What tokens must be meant for to be accepted as credentials of this server. */
  apiAudiences: readonly string[];
  /** PEM bundle; absent switches client certificates off. */
  clientCa?: string;
  requestHeaders?: readonly RequestHeaderOptions[];
  serviceAccounts?: { issuers: readonly string[]; keys: KeySet };
  bootstrapTokens?: boolean;
  /** Further token authenticators (OIDC, webhook), asked after the built-in ones. */
  tokens?: readonly TokenAuthenticator[];
  anonymous?: AnonymousOptions;
  now?(): Date;
}

/** All that understands bearer tokens, as one; TokenReview asks it too. */
export function createTokenAuthenticator(options: AuthenticatorOptions): TokenAuthenticator {
  const { reader, apiAudiences, serviceAccounts, now } = options;
  const union = anyTokenAuthenticator([
    ...(serviceAccounts ? [createServiceAccountAuthenticator({ ...serviceAccounts, apiAudiences, reader, ...(now ? { now } : {}) })] : []),
    ...(options.bootstrapTokens ? [createBootstrapTokenAuthenticator(reader, now)] : []),
    ...(options.tokens ?? []),
  ]);
  return async (token, audiences) => {
    const identity = await union(token, audiences);
    if (!identity) return undefined;
    const good = identity.audiences ?? audiencesOfServer(apiAudiences, audiences);
    // A credential that knows no audiences is none for somebody else's.
    if (!identity.audiences && good.length === 0 && audiences.length > 0) return undefined;
    return { user: withAuthenticated(identity.user), audiences: good };
  };
}

/** Credentials that know no audiences are good for those of this server. */
const audiencesOfServer = (own: readonly string[], requested: readonly string[]): string[] => own.filter((one) => requested.includes(one));

function withAuthenticated(user: UserInfo): UserInfo {
  if (user.groups.includes(allAuthenticated) || user.groups.includes(allUnauthenticated) || user.username === anonymousUser) return user;
  return { ...user, groups: [...user.groups, allAuthenticated] };
}

const anonymous: TokenIdentity = { user: { username: anonymousUser, groups: [allUnauthenticated] } };

/**
 * Composes what the options ask for. Gives undefined when nobody is known and anonymous requests are not let in;
 * throws 401 when a certificate or token is wrong, even where anonymous requests are let in.
 */
export function createAuthenticator(options: AuthenticatorOptions, tokens: TokenAuthenticator = createTokenAuthenticator(options)): Authenticator {
  const now = options.now ?? (() => new Date());
  const byClientCa = options.clientCa === undefined ? undefined : createCertificateVerifier(options.clientCa, now);
  const proxies = (options.requestHeaders ?? []).map((proxy) => ({ ...proxy, trusts: createCertificateVerifier(proxy.ca, now) }));
  const certificateUsers = new WeakMap<PeerCertificate, UserInfo>();

  function fromCertificate(credentials: Credentials): UserInfo | undefined {
    const peer = credentials.peerCertificate;
    if (!peer || peer.unverified) return undefined;
    for (const proxy of proxies) {
      if (!proxy.trusts(peer) || (proxy.allowedNames.length > 0 && !proxy.allowedNames.includes(peer.commonName))) continue;
      const user = requestHeaderUser(credentials.headers, proxy);
      if (user) return withAuthenticated(user);
    }
    if (!byClientCa?.(peer)) return undefined;
    let user = certificateUsers.get(peer);
    if (!user) {
      const named = certificateUser(peer);
      if (!named) return undefined;
      user = withAuthenticated(named);
      certificateUsers.set(peer, user);
    }
    return user;
  }

  function tokenOf(headers: Credentials['headers']): string | undefined {
    try {
      return bearerTokenOf(headers) ?? webSocketTokenOf(headers);
    } catch (error) {
      throw unauthorizedBecause(error);
    }
  }

  return async (credentials, audiences = options.apiAudiences) => {
    if (credentials.identity) return { user: withAuthenticated(credentials.identity) };
    const certified = fromCertificate(credentials);
    if (certified) return { user: certified };
    const token = tokenOf(credentials.headers);
    if (token !== undefined) {
      const identity = await tokens(token, audiences).catch((error: unknown) => {
        throw unauthorizedBecause(error);
      });
      if (identity) return identity;
      throw unauthorizedBecause(new Error('invalid bearer token'));
    }
    if (credentials.peerCertificate) throw unauthorizedBecause(new Error('certificate signed by unknown authority, expired or without a name'));
    const { anonymous: rule } = options;
    if (!rule?.enabled || (rule.paths && !rule.paths.includes(credentials.path ?? ''))) return undefined;
    return anonymous;
  };
}

/** The client learns only that it is not let in; the cause is for the log. */
function unauthorizedBecause(cause: unknown): Error {
  const error = unauthorized();
  error.cause = cause;
  return error;
}
