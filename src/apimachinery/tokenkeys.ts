/** Keys that sign and verify service account tokens: JSON web signatures (RFC 7515), key sets (RFC 7517), issuer discovery. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export interface VerificationKey {
  id: string;
  algorithm: string;
  key: KeyObject;
}

/** Public keys by their id; keys without a match by id are not tried. */
export interface KeySet {
  keys: readonly VerificationKey[];
  find(id: string | undefined): readonly VerificationKey[];
}

interface Algorithm {
  name: string;
  digest: string;
}

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RS256', digest: 'sha256' };
  if (key.asymmetricKeyType === 'ec') {
    switch (key.asymmetricKeyDetails?.namedCurve) {
      case 'prime256v1':
        return { name: 'ES256', digest: 'sha256' };
      case 'secp384r1':
        return { name: 'ES384', digest: 'sha384' };
      case 'secp521r1':
        return { name: 'ES512', digest: 'sha512' };
    }
  }
  throw new Error('service account keys must be RSA, or ECDSA on P-256, P-384 or P-521');
}

/** The digest of the public key, so that the id does not give the key away. */
const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');

/** A key set from PEM texts of public keys, private keys or certificates. */
export function createKeySet(pems: readonly string[]): KeySet {
  const keys = pems.map((pem): VerificationKey => {
    const key = createPublicKey(pem);
    return { id: keyId(key), algorithm: algorithmOf(key).name, key };
  });
  const byId = new Map(keys.map((key) => [key.id, [key]]));
  // A key may stand there as private and as public key.
  const different = [...byId.values()].flat();
  return { keys: different, find: (id) => (id === undefined || id === '' ? different : (byId.get(id) ?? [])) };
}

export type TokenSigner = (claims: Record<string, unknown>) => string;

/** Signs claims as a compact JWT with the key's id in its header. @throws when the PEM is no usable private key. */
export function createTokenSigner(privateKeyPem: string): TokenSigner {
  const key = createPrivateKey(privateKeyPem);
  const { name, digest } = algorithmOf(key);
  const header = Buffer.from(JSON.stringify({ alg: name, kid: keyId(createPublicKey(key)) })).toString('base64url');
  return (claims) => {
    const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${input}.${sign(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Header and claims of a compact JWT, unverified; undefined when it is none. */
export function decodeToken(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const [header, claims] = parts.slice(0, 2).map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
    return isRecord(header) && isRecord(claims) ? { header, claims } : undefined;
  } catch {
    // Something else that has two dots in it.
    return undefined;
  }
}

const digestOf: Record<string, string> = { RS256: 'sha256', ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' };

/** Whether one of the keys made the signature, with the algorithm that belongs to the key. */
export function verifyToken(token: string, keys: readonly VerificationKey[], algorithm: unknown): boolean {
  const dot = token.lastIndexOf('.');
  const input = Buffer.from(token.slice(0, dot));
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  return keys.some(
    ({ key, algorithm: expected }) => algorithm === expected && verify(digestOf[expected], input, { key, dsaEncoding: 'ieee-p1363' }, signature),
  );
}

/** The answer of `/openid/v1/jwks`. */
export const jwksOf = (keys: KeySet): { keys: Record<string, unknown>[] } => ({
  keys: keys.keys.map(({ id, algorithm, key }) => ({ use: 'sig', kid: id, alg: algorithm, ...key.export({ format: 'jwk' }) })),
});

/** The answer of `/.well-known/openid-configuration`. */
export const issuerMetadata = (issuer: string, jwksUri: string, keys: KeySet): Record<string, unknown> => ({
  issuer,
  jwks_uri: jwksUri,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [...new Set(keys.keys.map(({ algorithm }) => algorithm))],
});
