/** Bootstrap tokens: Secrets in `kube-system` by which machines that have no credentials yet are known. */
import type { Secret } from '../../api/core/v1/types.gen.ts';

export const tokenType = 'bootstrap.kubernetes.io/token';

export const textOf = ({ data = {} }: Secret, key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');

/** When the token ends, in milliseconds since 1970; infinity when it does not. What can't be read has ended. */
export function expiryOf(secret: Secret): number {
  const text = textOf(secret, 'expiration');
  if (text === '') return Number.POSITIVE_INFINITY;
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
}

/** Id and secret of a token that may sign; undefined for any other Secret. */
export function signingToken(secret: Secret, now: number): { id: string; value: string } | undefined {
  if (secret.type !== tokenType) return undefined;
  const id = textOf(secret, 'token-id');
  const value = textOf(secret, 'token-secret');
  if (!/^[a-z0-9]{6}$/.test(id) || secret.metadata.name !== `bootstrap-token-${id}` || value === '') return undefined;
  return expiryOf(secret) > now && textOf(secret, 'usage-bootstrap-signing') === 'true' ? { id, value } : undefined;
}
