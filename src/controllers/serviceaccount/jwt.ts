/** Signing JSON web tokens (RFC 7519) with the service account key, so that the API server recognizes them as its own. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

function algorithmOf(key: KeyObject): { name: string; digest: string } {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RS256', digest: 'sha256' };
  const curves: Record<string, { name: string; digest: string }> = {
    prime256v1: { name: 'ES256', digest: 'sha256' },
    secp384r1: { name: 'ES384', digest: 'sha384' },
    secp521r1: { name: 'ES512', digest: 'sha512' },
  };
  const found = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (!found) throw new Error('service account keys must be RSA, or ECDSA on P-256, P-384 or P-521');
  return found;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Throws when the PEM text is no usable private key. */
export function createSigner(privateKeyPem: string): (claims: Record<string, unknown>) => string {
  const key = createPrivateKey(privateKeyPem);
  const { name, digest } = algorithmOf(key);
  // The id of a key is a digest of its public half.
  const kid = createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  const header = encode({ alg: name, kid });
  return (claims) => {
    const input = `${header}.${encode(claims)}`;
    return `${input}.${sign(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
}
