/** The keys of an OpenID Connect issuer: found by discovery, fetched again when a token names one that is not known. */
import { request } from 'node:https';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { Logger } from 'pino';

const timeoutMs = 30_000;
const retryMs = 10_000;
const maxBody = 4 << 20;

export interface FetchOptions {
  /** PEM; absent means the system's. */
  ca?: string;
  bearer?: string;
}

/** The body of a GET over HTTPS. @throws `Error` that says what went wrong */
export function fetchText(url: string, { ca, bearer }: FetchOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new Error(`Get ${JSON.stringify(url)}: ${error.message}`, { cause: error }));
    const headers = { accept: '*/*', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) };
    const outgoing = request(url, { headers, signal: AbortSignal.timeout(timeoutMs), ...(ca === undefined ? {} : { ca }) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBody) outgoing.destroy(new Error('the answer is too large'));
      });
      response.once('error', failed);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${response.statusCode} ${response.statusMessage ?? ''}: ${text.slice(0, 500)}`));
      });
    });
    outgoing.once('error', failed);
    outgoing.end();
  });
}

export interface IssuerKeys {
  /** The payload of a token with a good signature. @throws `Error` otherwise */
  verify(token: string): Promise<Record<string, unknown>>;
  /** Why it can't be used (yet); undefined when it can. */
  readonly problem: Error | undefined;
  /** Resolves when discovery was tried for the first time. */
  readonly tried: Promise<void>;
  close(): void;
}

export interface IssuerOptions {
  url: string;
  discoveryUrl?: string;
  ca?: string;
  algorithms: readonly string[];
  log?: Logger | undefined;
}

/** Discovery is tried until it succeeds: an issuer may run in the cluster itself. */
export function createIssuerKeys({ url, discoveryUrl, ca, algorithms, log }: IssuerOptions): IssuerKeys {
  const trust = ca === undefined ? {} : { ca };
  let jwksUri: string | undefined;
  let keySet: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetching: Promise<void> | undefined;
  let problem: Error | undefined = new Error(`oidc: authenticator for issuer ${JSON.stringify(url)} is not initialized`);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function discover(): Promise<void> {
    const found = JSON.parse(await fetchText(discoveryUrl ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`, trust)) as {
      issuer?: string;
      jwks_uri?: string;
    };
    if (found.issuer !== url) {
      throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(found.issuer ?? '')}`);
    }
    if (!found.jwks_uri) throw new Error('provider did not return JWKS URL');
    jwksUri = found.jwks_uri;
  }

  async function initialize(): Promise<void> {
    try {
      await discover();
      problem = undefined;
    } catch (error) {
      problem = error as Error;
      log?.error({ err: error, issuer: url }, 'an OpenID Connect issuer could not be asked for its keys');
      if (closed) return;
      timer = setTimeout(() => void initialize(), retryMs);
      timer.unref();
    }
  }

  /** Whoever comes meanwhile waits for the same answer. */
  function fetchKeys(): Promise<void> {
    fetching ??= fetchText(jwksUri ?? '', trust)
      .then((text) => {
        keySet = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      })
      .catch((error: Error) => {
        throw new Error(`fetching keys ${error.message}`, { cause: error });
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  async function payloadOf(token: string): Promise<Record<string, unknown>> {
    if (!keySet) throw new Error('no keys');
    const { payload } = await compactVerify(token, keySet, { algorithms: [...algorithms] });
    return JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown>;
  }

  const tried = initialize();
  return {
    async verify(token) {
      if (problem) throw new Error('oidc: authenticator not initialized', { cause: problem });
      const algorithm = algorithmOf(token);
      if (!algorithms.includes(algorithm)) {
        throw new Error(
          `oidc: verify token: oidc: malformed jwt: unexpected signature algorithm ${JSON.stringify(algorithm)}; expected [${algorithms.map((one) => JSON.stringify(one)).join(' ')}]`,
        );
      }
      if (keySet) {
        const payload = await payloadOf(token).catch(() => undefined);
        if (payload) return payload;
      }
      // It may be signed with a key that is newer than what was fetched.
      await fetchKeys();
      return payloadOf(token).catch((error: Error) => {
        throw new Error('oidc: verify token: failed to verify signature: failed to verify id token signature', { cause: error });
      });
    },
    get problem() {
      return problem;
    },
    tried,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function algorithmOf(token: string): string {
  try {
    return String((JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString('utf8')) as { alg?: unknown }).alg ?? '');
  } catch {
    // It has no header that can be read: no algorithm is as good as it.
    return '';
  }
}
