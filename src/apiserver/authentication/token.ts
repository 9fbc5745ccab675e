/** Bearer tokens: who they are handed to, and where in a request they stand. */
import type { UserInfo } from '../../api/kind.ts';
import type { Credentials } from '../contracts.ts';

export interface TokenIdentity {
  user: UserInfo;
  /** Those of the requested audiences that the token is good for. */
  audiences?: string[];
}

/** Undefined when the token is none of this authenticator's; throws an `Error` (its text is for logs and TokenReview) when it is, and is wrong. */
export type TokenAuthenticator = (token: string, audiences: readonly string[]) => Promise<TokenIdentity | undefined>;

/** Asks one after the other; an error counts only when none of the others knows the token. */
export function anyTokenAuthenticator(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return async (token, audiences) => {
    const errors: string[] = [];
    for (const authenticate of authenticators) {
      try {
        const identity = await authenticate(token, audiences);
        if (identity) return identity;
      } catch (error) {
        errors.push(error instanceof Error ? error.message : String(error));
      }
    }
    if (errors.length > 0) throw new Error(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`);
    return undefined;
  };
}

/** The token of an `Authorization: Bearer` header. */
export function bearerTokenOf(headers: Credentials['headers']): string | undefined {
  const parts = (headers['authorization'] ?? '').trim().split(' ');
  return parts.length >= 2 && parts[0]?.toLowerCase() === 'bearer' && parts[1] ? parts[1] : undefined;
}

const webSocketBearerPrefix = 'base64url.bearer.authorization.k8s.io.';

/**
 * The token that a browser hands over as a WebSocket subprotocol.
 * @throws `Error` when it is there twice, malformed, or the only subprotocol (one must be left to echo).
 */
export function webSocketTokenOf(headers: Credentials['headers']): string | undefined {
  const offered = headers['sec-websocket-protocol'];
  if (offered === undefined || headers['upgrade']?.toLowerCase() !== 'websocket') return undefined;
  const protocols = offered.split(',').map((one) => one.trim());
  const tokens = protocols.filter((one) => one.startsWith(webSocketBearerPrefix));
  if (tokens.length === 0) return undefined;
  if (tokens.length > 1) throw new Error('multiple base64.bearer.authorization tokens specified');
  const encoded = (tokens[0] ?? '').slice(webSocketBearerPrefix.length);
  if (!/^[A-Za-z0-9_-]*$/.test(encoded)) throw new Error('invalid base64.bearer.authorization token encoding');
  const token = Buffer.from(encoded, 'base64url').toString('utf8');
  if (token === '') return undefined;
  if (protocols.length === 1) throw new Error('missing additional subprotocol');
  return token;
}

/** The subprotocols without the one that carries a token: what a server may choose from and echo. */
export const withoutTokenProtocol = (protocols: readonly string[]): string[] => protocols.filter((one) => !one.trim().startsWith(webSocketBearerPrefix));
