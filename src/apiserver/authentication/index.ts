/**
 * Everything that has to do with who asks, composed: the authenticator of the pipeline, the handlers of TokenReview,
 * SelfSubjectReview and `serviceaccounts/token`, and the paths of issuer discovery.
 */

import type { Logger } from 'pino';
import { createKeySet, createTokenSigner, issuerMetadata, jwksOf } from '../../apimachinery/tokenkeys.ts';
import type { Authenticator, CustomHandler, ObjectReader } from '../contracts.ts';
import type { PathHandler } from '../route.ts';
import { type AnonymousOptions, createAuthenticator as composeAuthenticator, createTokenAuthenticator } from './authenticator.ts';
import type { RequestHeaderOptions } from './certificates.ts';
import { type ConfiguredOptions, createConfiguredTokens } from './configured.ts';
import { discoveryPaths } from './discovery.ts';
import { authenticationHandlers } from './reviews.ts';
import { tokenRequestHandler } from './tokenrequest.ts';

export { impersonate, withoutImpersonation } from './impersonate.ts';
export { withoutTokenProtocol } from './token.ts';

export interface AuthenticationOptions extends Pick<ConfiguredOptions, 'file' | 'oidc' | 'webhook' | 'tokenFile'> {
  reader: ObjectReader;
  /** PEM bundle of the authorities of client certificates; absent switches them off. */
  clientCa?: string;
  /** PEM bundle of the authorities of the aggregation layer's front proxy. */
  frontProxyCa?: string;
  /** A further proxy that is believed whom it names. */
  requestHeader?: RequestHeaderOptions;
  serviceAccounts: {
    /** PEM; signs new tokens. */
    signingKey: string;
    /** PEM texts of further keys, public or private, whose tokens are accepted: those of servers before this one. */
    verificationKeys?: readonly string[];
    /** The first is written into new tokens. Default: the cluster's own name for the API server. */
    issuers?: readonly string[];
    /** Default: the issuers. */
    audiences?: readonly string[];
    /** Under which clients find the keys; default: derived from the issuer. */
    jwksUri?: string;
    maxExpirationSeconds?: number;
    extendExpiration?: boolean;
  };
  /** Default true. */
  bootstrapTokens?: boolean;
  /** Default: enabled, as upstream's; what anonymous users may do is up to the authorizer. A file may say otherwise. */
  anonymous?: AnonymousOptions;
  log?: Logger | undefined;
  now?(): Date;
}

export interface Authentication {
  authenticate: Authenticator;
  handlers: CustomHandler[];
  /** The documents of issuer discovery. */
  paths: PathHandler[];
  /** Ends what watches files and holds connections. */
  close(): void;
}

const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

const aggregationProxy = (ca: string): RequestHeaderOptions => ({
  ca,
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
});

/** A file may hold several. */
const keysIn = (pem: string): string[] => pem.match(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g) ?? [pem];

/** @throws when a key is no usable PEM; {@link ConfigurationError} for a file that is wrong */
export async function createAuthenticator(options: AuthenticationOptions): Promise<Authentication> {
  const { reader, serviceAccounts, clientCa, frontProxyCa, requestHeader, file, oidc, webhook, tokenFile, log, now } = options;
  const issuers = serviceAccounts.issuers?.length ? serviceAccounts.issuers : [defaultIssuer];
  const issuer = issuers[0] ?? defaultIssuer;
  const apiAudiences = serviceAccounts.audiences?.length ? serviceAccounts.audiences : issuers;
  const keys = createKeySet([...new Set([serviceAccounts.signingKey, ...(serviceAccounts.verificationKeys ?? [])].flatMap(keysIn))]);
  const configured = await createConfiguredTokens({
    ...(file === undefined ? {} : { file }),
    ...(oidc ? { oidc } : {}),
    ...(webhook ? { webhook } : {}),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    serviceAccountIssuers: issuers,
    apiAudiences,
    now,
    log,
  });
  const composed = {
    reader,
    apiAudiences,
    serviceAccounts: { issuers, keys },
    bootstrapTokens: options.bootstrapTokens ?? true,
    anonymous: configured.anonymous ?? options.anonymous ?? { enabled: true },
    requestHeaders: [...(frontProxyCa === undefined ? [] : [aggregationProxy(frontProxyCa)]), ...(requestHeader ? [requestHeader] : [])],
    tokens: configured.tokens,
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(now ? { now } : {}),
  };
  const tokens = createTokenAuthenticator(composed);
  const { maxExpirationSeconds, extendExpiration } = serviceAccounts;
  const sign = createTokenSigner(serviceAccounts.signingKey);
  return {
    authenticate: composeAuthenticator(composed, tokens),
    handlers: [
      ...authenticationHandlers(tokens, apiAudiences),
      tokenRequestHandler({
        reader,
        issuer,
        sign,
        apiAudiences,
        ...(maxExpirationSeconds === undefined ? {} : { maxExpirationSeconds }),
        ...(extendExpiration === undefined ? {} : { extendExpiration }),
      }),
    ],
    paths: issuer.startsWith('https://')
      ? discoveryPaths(issuerMetadata(issuer, serviceAccounts.jwksUri ?? `${issuer}/openid/v1/jwks`, keys), jwksOf(keys))
      : [],
    close: configured.close,
  };
}
