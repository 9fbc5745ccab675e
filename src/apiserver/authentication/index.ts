/**
 * Everything that has to do with who asks, composed: the authenticator of the pipeline, the handlers of TokenReview,
 * SelfSubjectReview and `serviceaccounts/token`, and the paths of issuer discovery.
 */

import { createKeySet, createTokenSigner, issuerMetadata, jwksOf } from '../../apimachinery/tokenkeys.ts';
import type { Authenticator, CustomHandler, ObjectReader } from '../contracts.ts';
import { jsonPath } from '../nonresource/paths.ts';
import type { PathHandler } from '../route.ts';
import { type AnonymousOptions, createAuthenticator as composeAuthenticator, createTokenAuthenticator } from './authenticator.ts';
import type { RequestHeaderOptions } from './certificates.ts';
import { authenticationHandlers } from './reviews.ts';
import type { TokenAuthenticator } from './token.ts';
import { tokenRequestHandler } from './tokenrequest.ts';

export { impersonate, withoutImpersonation } from './impersonate.ts';
export { withoutTokenProtocol } from './token.ts';

export interface AuthenticationOptions {
  reader: ObjectReader;
  /** PEM bundle of the authorities of client certificates; absent switches them off. */
  clientCa?: string;
  /** PEM bundle of the authorities of the aggregation layer's front proxy. */
  frontProxyCa?: string;
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
  };
  tokens?: readonly TokenAuthenticator[];
  /** Default: enabled, as upstream's; what anonymous users may do is up to the authorizer. */
  anonymous?: AnonymousOptions;
  now?(): Date;
}

export interface Authentication {
  authenticate: Authenticator;
  handlers: CustomHandler[];
  /** The documents of issuer discovery. */
  paths: PathHandler[];
}

const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

const requestHeader = (ca: string): RequestHeaderOptions => ({
  ca,
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
});

/** @throws when a key is no usable PEM */
export function createAuthenticator(options: AuthenticationOptions): Authentication {
  const { reader, serviceAccounts, now } = options;
  const issuers = serviceAccounts.issuers?.length ? serviceAccounts.issuers : [defaultIssuer];
  const issuer = issuers[0] ?? defaultIssuer;
  const apiAudiences = serviceAccounts.audiences?.length ? serviceAccounts.audiences : issuers;
  const keys = createKeySet([serviceAccounts.signingKey, ...(serviceAccounts.verificationKeys ?? [])]);
  const composed = {
    reader,
    apiAudiences,
    serviceAccounts: { issuers, keys },
    bootstrapTokens: true,
    anonymous: options.anonymous ?? { enabled: true },
    ...(options.clientCa === undefined ? {} : { clientCa: options.clientCa }),
    ...(options.frontProxyCa === undefined ? {} : { requestHeader: requestHeader(options.frontProxyCa) }),
    ...(options.tokens ? { tokens: options.tokens } : {}),
    ...(now ? { now } : {}),
  };
  const tokens = createTokenAuthenticator(composed);
  const { maxExpirationSeconds } = serviceAccounts;
  const sign = createTokenSigner(serviceAccounts.signingKey);
  return {
    authenticate: composeAuthenticator(composed, tokens),
    handlers: [
      ...authenticationHandlers(tokens, apiAudiences),
      tokenRequestHandler({ reader, issuer, sign, apiAudiences, ...(maxExpirationSeconds === undefined ? {} : { maxExpirationSeconds }) }),
    ],
    paths: [
      jsonPath('/.well-known/openid-configuration', issuerMetadata(issuer, serviceAccounts.jwksUri ?? `${issuer}/openid/v1/jwks`, keys)),
      jsonPath('/openid/v1/jwks', jwksOf(keys)),
    ],
  };
}
