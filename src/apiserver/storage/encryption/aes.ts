/** AES as upstream's providers use it: `aesgcm`, `aescbc`, and GCM with a key of its own for every value (KMS v2). */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Transformer } from './transformer.ts';

const nonceSize = 12;
const tagSize = 16;
const blockSize = 16;
/** Random bytes from which, with the seed, a value's own key is derived. */
const infoSize = 32;

const tooShort = 'the stored data was shorter than the required size';

type GcmName = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm';
const gcmName = (key: Uint8Array): GcmName => `aes-${key.length * 8}-gcm` as GcmName;

function openGcm(key: Uint8Array, value: Uint8Array, authenticated: string): Buffer {
  if (value.length < nonceSize + tagSize) throw new Error(tooShort);
  const decipher = createDecipheriv(gcmName(key), key, value.subarray(0, nonceSize), { authTagLength: tagSize });
  decipher.setAAD(Buffer.from(authenticated));
  decipher.setAuthTag(value.subarray(value.length - tagSize));
  const head = decipher.update(value.subarray(nonceSize, value.length - tagSize));
  try {
    return Buffer.concat([head, decipher.final()]);
  } catch (error) {
    throw new Error('cipher: message authentication failed', { cause: error });
  }
}

function sealGcm(key: Uint8Array, value: Uint8Array, authenticated: string): Buffer {
  const nonce = randomBytes(nonceSize);
  const cipher = createCipheriv(gcmName(key), key, nonce, { authTagLength: tagSize });
  cipher.setAAD(Buffer.from(authenticated));
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** Nonce, ciphertext, tag. The key in the store is authenticated with it. */
export const aesGcm = (key: Uint8Array): Transformer => ({
  decrypt: (value, at) => ({ value: openGcm(key, value, at), stale: false }),
  encrypt: (value, at) => sealGcm(key, value, at),
});

/** Initialization vector, padded ciphertext. */
export function aesCbc(key: Uint8Array): Transformer {
  const name = `aes-${key.length * 8}-cbc`;
  return {
    decrypt(value) {
      if (value.length < 2 * blockSize) throw new Error(tooShort);
      if (value.length % blockSize !== 0) throw new Error('the stored data is not a multiple of the block size');
      const decipher = createDecipheriv(name, key, value.subarray(0, blockSize));
      const head = decipher.update(value.subarray(blockSize));
      try {
        return { value: Buffer.concat([head, decipher.final()]), stale: false };
      } catch (error) {
        throw new Error('invalid padding on input', { cause: error });
      }
    },
    encrypt(value) {
      const vector = randomBytes(blockSize);
      const cipher = createCipheriv(name, key, vector);
      return Buffer.concat([vector, cipher.update(value), cipher.final()]);
    },
  };
}

/** HKDF-Expand (RFC 5869) with SHA-256, one block. */
const expand = (seed: Uint8Array, info: Uint8Array): Buffer => createHmac('sha256', seed).update(info).update(Uint8Array.of(1)).digest();

/** Random bytes, then what AES-GCM makes with the key that follows from seed and bytes: nonces can't wear out. */
export function aesGcmFromSeed(seed: Uint8Array): Transformer {
  if (seed.length < infoSize) throw new Error(`invalid seed length ${seed.length} used for key generation`);
  return {
    decrypt(value, at) {
      if (value.length < infoSize) throw new Error(tooShort);
      return { value: openGcm(expand(seed, value.subarray(0, infoSize)), value.subarray(infoSize), at), stale: false };
    },
    encrypt(value, at) {
      const info = randomBytes(infoSize);
      return Buffer.concat([info, sealGcm(expand(seed, info), value, at)]);
    },
  };
}
