/** Tokens of one OpenID Connect issuer. */
import type { Logger } from 'pino';
import { decodeToken } from '../../../apimachinery/tokenkeys.ts';
import type { TokenAuthenticator } from '../token.ts';
import type { JwtAuthenticator } from './configuration.ts';
import { createIssuerKeys, fetchText, type IssuerKeys } from './keys.ts';
import { type Claims, createMapping } from './mapping.ts';

/** With a file of configuration all of them are good; the flags' default is RS256. */
export const allAlgorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const;

export interface OidcAuthenticator {
  authenticate: TokenAuthenticator;
  /** Why it can't be used (yet). */
  readonly problem: Error | undefined;
  readonly tried: Promise<void>;
  close(): void;
}

export interface OidcOptions {
  configuration: JwtAuthenticator;
  algorithms: readonly string[];
  now?: (() => Date) | undefined;
  log?: Logger | undefined;
}

/** Seconds by which a token may be from the future. */
const notBeforeLeeway = 300;

const list = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : typeof value === 'string' ? [value] : []);
const quoted = (values: readonly string[]): string => `[${values.map((one) => JSON.stringify(one)).join(' ')}]`;

function issuerOf(token: string): string | undefined {
  const issuer = decodeToken(token)?.claims['iss'];
  if (typeof issuer !== 'string') return undefined;
  return issuer === 'accounts.google.com' ? 'https://accounts.google.com' : issuer;
}

function checkClaims(claims: Claims, audiences: readonly string[], now: number): void {
  const given = list(claims['aud']);
  if (!given.some((audience) => audiences.includes(audience))) {
    throw new Error(`oidc: verify token: oidc: expected audience in ${quoted([...audiences].sort())} got ${quoted(given)}`);
  }
  const { exp, nbf } = claims;
  if (typeof exp !== 'number' || exp < now) {
    throw new Error(`oidc: verify token: oidc: token is expired (Token Expiry: ${new Date((typeof exp === 'number' ? exp : 0) * 1000).toISOString()})`);
  }
  if (typeof nbf === 'number' && now + notBeforeLeeway < nbf) throw new Error('oidc: verify token: oidc: current time is before the nbf (not before) time');
}

interface Source {
  endpoint?: string;
  access_token?: string;
}

/** The configuration must be valid. */
export function createOidcAuthenticator({ configuration, algorithms, now = () => new Date(), log }: OidcOptions): OidcAuthenticator {
  const { url = '', discoveryURL, certificateAuthority, audiences = [] } = configuration.issuer ?? {};
  const trust = certificateAuthority ? { ca: certificateAuthority } : {};
  const keys = createIssuerKeys({ url, algorithms, log, ...trust, ...(discoveryURL ? { discoveryUrl: discoveryURL } : {}) });
  const userOf = createMapping(configuration);
  const groupsClaim = configuration.claimMappings?.groups?.claim ?? '';
  /** Other issuers that vouch for groups. */
  const others = new Map<string, IssuerKeys>();

  async function verified(token: string, by: IssuerKeys): Promise<Claims> {
    const claims = await by.verify(token);
    checkClaims(claims, audiences, now().getTime() / 1000);
    return claims;
  }

  /** The groups of a distributed claim (OpenID Connect Core 5.6.2): a token that is fetched elsewhere. */
  async function fetchedGroups({ endpoint = '', access_token: bearer }: Source): Promise<unknown> {
    const token = await fetchText(endpoint, { ...trust, ...(bearer ? { bearer } : {}) });
    const issuer = issuerOf(token);
    if (issuer === undefined) throw new Error(`getting untrusted issuer from endpoint ${endpoint} failed for claim ${JSON.stringify(groupsClaim)}`);
    let other = issuer === url ? keys : others.get(issuer);
    if (!other) {
      other = createIssuerKeys({ url: issuer, algorithms, log, ...trust });
      others.set(issuer, other);
      await other.tried;
    }
    const claims = await verified(token, other);
    if (!(groupsClaim in claims))
      throw new Error(`jwt returned by distributed claim endpoint ${JSON.stringify(endpoint)} did not contain claim: ${groupsClaim}`);
    return claims[groupsClaim];
  }

  async function expand(claims: Claims): Promise<void> {
    const names = claims['_claim_names'] as Record<string, string> | undefined;
    if (groupsClaim === '' || groupsClaim in claims || !names?.[groupsClaim]) return;
    const source = names[groupsClaim];
    const sources = claims['_claim_sources'] as Record<string, Source> | undefined;
    if (!sources) throw new Error('oidc: no claim sources');
    const found = sources[source];
    if (!found) throw new Error(`id token _claim_names contained a source ${source} missing in _claims_sources`);
    if (found.endpoint) claims[groupsClaim] = await fetchedGroups(found);
  }

  return {
    async authenticate(token) {
      if (issuerOf(token) !== url) return undefined;
      const claims = await verified(token, keys);
      await expand(claims).catch((error: Error) => {
        throw new Error(`oidc: could not expand distributed claims: ${error.message}`, { cause: error });
      });
      return { user: userOf(claims) };
    },
    get problem() {
      return keys.problem;
    },
    tried: keys.tried,
    close() {
      for (const one of [keys, ...others.values()]) one.close();
    },
  };
}
