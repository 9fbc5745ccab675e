/** How values are written to the store and read from it. The prefix of a value says who can read it, in upstream's form. */

export interface Plain {
  value: Uint8Array;
  /** It would be written otherwise now: with another key, or by another provider. */
  stale: boolean;
}

/** `key` is the value's key in the store; where the algorithm allows it, a value that was moved to another key is refused. */
export interface Transformer {
  /** @throws when the value can't be read, or is not what was written */
  decrypt(value: Uint8Array, key: string): Plain | Promise<Plain>;
  encrypt(value: Uint8Array, key: string): Uint8Array;
}

export interface PrefixedTransformer {
  prefix: string;
  transformer: Transformer;
}

/** A value can't be read with any of the configured keys. */
export class DecryptionError extends Error {
  readonly key: string;
  constructor(key: string, cause: unknown) {
    super(`${key} can not be decrypted: ${(cause as Error).message}`, { cause });
    this.name = 'DecryptionError';
    this.key = key;
  }
}

const encryptedMark = Buffer.from('k8s:enc:');

/** Whether some transformer wrote it. */
export const isEncrypted = (value: Uint8Array): boolean => startsWith(value, encryptedMark);

function startsWith(value: Uint8Array, prefix: Uint8Array): boolean {
  if (value.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (value[index] !== prefix[index]) return false;
  return true;
}

/** Leaves values as they are; refuses those that are encrypted. */
export const identity: Transformer = {
  decrypt(value) {
    if (isEncrypted(value)) throw new Error('identity transformer tried to read encrypted data');
    return { value, stale: false };
  },
  encrypt: (value) => value,
};

/**
 * Writes with the first, reads with the first that can: several may share a prefix, with different keys.
 * @param none what is said of a value that has none of the prefixes
 */
export function prefixed(transformers: readonly PrefixedTransformer[], none: string): Transformer {
  const all = transformers.map(({ prefix, transformer }) => ({ prefix: Buffer.from(prefix), transformer }));
  const [first] = all;
  if (!first) throw new Error('a chain of transformers needs at least one');

  function decryptFrom(from: number, value: Uint8Array, key: string, errors: string[]): Plain | Promise<Plain> {
    for (let index = from; index < all.length; index++) {
      const { prefix, transformer } = all[index] as (typeof all)[number];
      if (!startsWith(value, prefix)) continue;
      const read = ({ value, stale }: Plain): Plain => ({ value, stale: stale || index > 0 });
      // That a value is not in clear text says nothing about it.
      const note = (error: unknown): void => void (prefix.length > 0 && errors.push((error as Error).message));
      try {
        const plain = transformer.decrypt(value.subarray(prefix.length), key);
        if (!(plain instanceof Promise)) return read(plain);
        return plain.then(read, (error: unknown) => {
          note(error);
          return decryptFrom(index + 1, value, key, errors);
        });
      } catch (error) {
        note(error);
      }
    }
    if (errors.length === 0) throw new Error(none);
    throw new Error(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`);
  }

  return {
    decrypt: (value, key) => decryptFrom(0, value, key, []),
    encrypt(value, key) {
      const encrypted = first.transformer.encrypt(value, key);
      return first.prefix.length === 0 ? encrypted : Buffer.concat([first.prefix, encrypted]);
    },
  };
}
