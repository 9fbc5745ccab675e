/** `AuthenticationConfiguration` of apiserver.config.k8s.io: its shape; and the same from the `--oidc-*` flags. */
import type { FileKind } from '../../configuration/load.ts';
import { boolean, listOf, object, root, string } from '../../configuration/types.ts';
import { validateAuthentication } from './validation.ts';

export interface ClaimOrExpression {
  claim?: string;
  expression?: string;
}

export interface PrefixedClaimOrExpression extends ClaimOrExpression {
  prefix?: string;
}

export interface JwtAuthenticator {
  issuer?: {
    url?: string;
    discoveryURL?: string;
    /** PEM. */
    certificateAuthority?: string;
    audiences?: string[];
    audienceMatchPolicy?: string;
    egressSelectorType?: string;
  };
  claimValidationRules?: { claim?: string; requiredValue?: string; expression?: string; message?: string }[];
  claimMappings?: {
    username?: PrefixedClaimOrExpression;
    groups?: PrefixedClaimOrExpression;
    uid?: ClaimOrExpression;
    extra?: { key?: string; valueExpression?: string }[];
  };
  userValidationRules?: { expression?: string; message?: string }[];
}

export interface AuthenticationConfiguration {
  jwt?: JwtAuthenticator[];
  anonymous?: { enabled?: boolean; conditions?: { path?: string }[] };
}

const prefixed = object('PrefixedClaimOrExpression', { claim: string, prefix: string, expression: string });

const struct = root('AuthenticationConfiguration', {
  jwt: listOf(
    object('JWTAuthenticator', {
      issuer: object('Issuer', {
        url: string,
        discoveryURL: string,
        certificateAuthority: string,
        audiences: listOf(string),
        audienceMatchPolicy: string,
        egressSelectorType: string,
      }),
      claimValidationRules: listOf(object('ClaimValidationRule', { claim: string, requiredValue: string, expression: string, message: string })),
      claimMappings: object('ClaimMappings', {
        username: prefixed,
        groups: prefixed,
        uid: object('ClaimOrExpression', { claim: string, expression: string }),
        extra: listOf(object('ExtraMapping', { key: string, valueExpression: string })),
      }),
      userValidationRules: listOf(object('UserValidationRule', { expression: string, message: string })),
    }),
  ),
  anonymous: object('AnonymousAuthConfig', { enabled: boolean, conditions: listOf(object('AnonymousAuthCondition', { path: string })) }),
});

/** @param disallowedIssuers those whose tokens are somebody else's business: service accounts' */
export const authenticationFile = (disallowedIssuers: readonly string[]): FileKind<AuthenticationConfiguration> => ({
  flag: 'authentication-config',
  kind: 'AuthenticationConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'],
  struct,
  validate: (config) => validateAuthentication(config, disallowedIssuers),
});

export interface OidcFlags {
  issuerUrl: string;
  clientId: string;
  /** PEM. */
  ca?: string;
  usernameClaim?: string;
  usernamePrefix?: string;
  groupsClaim?: string;
  groupsPrefix?: string;
  /** Default RS256. */
  signingAlgs?: readonly string[];
  requiredClaims?: Readonly<Record<string, string>>;
}

/** The flags in the form of a file. Without a prefix of their own, names other than e-mail addresses get the issuer's. */
export function configurationOfFlags(flags: OidcFlags): AuthenticationConfiguration {
  const { issuerUrl, clientId, ca, usernameClaim = 'sub', usernamePrefix = '', groupsClaim, groupsPrefix = '', requiredClaims = {} } = flags;
  const prefix = usernamePrefix === '-' ? '' : usernamePrefix === '' && usernameClaim !== 'email' ? `${issuerUrl}#` : usernamePrefix;
  return {
    jwt: [
      {
        issuer: { url: issuerUrl, audiences: [clientId], ...(ca === undefined ? {} : { certificateAuthority: ca }) },
        claimMappings: {
          username: { claim: usernameClaim, prefix },
          ...(groupsClaim ? { groups: { claim: groupsClaim, prefix: groupsPrefix } } : {}),
        },
        claimValidationRules: Object.entries(requiredClaims).map(([claim, requiredValue]) => ({ claim, requiredValue })),
      },
    ],
  };
}
