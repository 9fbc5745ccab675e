/**
 * NaCl's secretbox: XSalsa20 with a Poly1305 tag, which OpenSSL does not have.
 * Sources: Bernstein, "Extending the Salsa20 nonce" and "The Poly1305-AES message-authentication code".
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Transformer } from './transformer.ts';

const nonceSize = 24;
const tagSize = 16;
const rounds = 20;

/** "expand 32-byte k" */
const sigma = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** Which words of the state a quarter of a round works on: columns, then rows. */
const quarters = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

function permute(x: Uint32Array): void {
  for (let round = 0; round < rounds; round += 2) {
    for (const [a, b, c, d] of quarters) {
      x[b]! ^= rotate((x[a]! + x[d]!) | 0, 7);
      x[c]! ^= rotate((x[b]! + x[a]!) | 0, 9);
      x[d]! ^= rotate((x[c]! + x[b]!) | 0, 13);
      x[a]! ^= rotate((x[d]! + x[c]!) | 0, 18);
    }
  }
}

/** Key and sixteen bytes of input among the constants. */
function stateOf(key: Uint8Array, input: Uint8Array): Uint32Array {
  const [keys, inputs] = [viewOf(key), viewOf(input)];
  const word = (view: DataView, index: number): number => view.getUint32(index * 4, true);
  const [k, n] = [(index: number) => word(keys, index), (index: number) => word(inputs, index)];
  return Uint32Array.of(sigma[0], k(0), k(1), k(2), k(3), sigma[1], n(0), n(1), n(2), n(3), sigma[2], k(4), k(5), k(6), k(7), sigma[3]);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The key that a long nonce's first sixteen bytes lead to. */
function hsalsa20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const state = stateOf(key, nonce);
  permute(state);
  const derived = new Uint8Array(32);
  const view = viewOf(derived);
  for (const [index, from] of [0, 5, 10, 15, 6, 7, 8, 9].entries()) view.setUint32(index * 4, state[from]!, true);
  return derived;
}

/** `length` bytes of the key stream. */
function xsalsa20(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const input = new Uint8Array(16);
  input.set(nonce.subarray(16, nonceSize));
  const initial = stateOf(hsalsa20(key, nonce), input);
  const blocks = Math.ceil(length / 64);
  const stream = new Uint8Array(blocks * 64);
  const view = viewOf(stream);
  const state = new Uint32Array(16);
  for (let block = 0; block < blocks; block++) {
    initial[8] = block;
    state.set(initial);
    permute(state);
    for (let word = 0; word < 16; word++) view.setUint32(block * 64 + word * 4, (state[word]! + initial[word]!) | 0, true);
  }
  return stream.subarray(0, length);
}

const prime = (1n << 130n) - 5n;
const low64 = (1n << 64n) - 1n;

function poly1305(key: Uint8Array, message: Uint8Array): Buffer {
  const keys = viewOf(key);
  const r = (keys.getBigUint64(0, true) | (keys.getBigUint64(8, true) << 64n)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  const s = keys.getBigUint64(16, true) | (keys.getBigUint64(24, true) << 64n);
  let sum = 0n;
  const block = new Uint8Array(16);
  const view = viewOf(block);
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16);
    block.fill(0);
    block.set(part);
    const end = 1n << BigInt(part.length * 8);
    sum = ((sum + (view.getBigUint64(0, true) | (view.getBigUint64(8, true) << 64n)) + end) * r) % prime;
  }
  sum += s;
  const tag = Buffer.alloc(tagSize);
  tag.writeBigUInt64LE(sum & low64, 0);
  tag.writeBigUInt64LE((sum >> 64n) & low64, 8);
  return tag;
}

/** Encrypts or decrypts, and gives the key of the tag. */
function apply(key: Uint8Array, nonce: Uint8Array, value: Uint8Array): { result: Buffer; tagKey: Uint8Array } {
  const stream = xsalsa20(key, nonce, 32 + value.length);
  const result = Buffer.allocUnsafe(value.length);
  for (let index = 0; index < value.length; index++) result[index] = value[index]! ^ stream[32 + index]!;
  return { result, tagKey: stream.subarray(0, 32) };
}

/** Tag and ciphertext, as `crypto_secretbox` gives them. */
export function sealSecretbox(key: Uint8Array, nonce: Uint8Array, value: Uint8Array): Buffer {
  const { result, tagKey } = apply(key, nonce, value);
  return Buffer.concat([poly1305(tagKey, result), result]);
}

/** Nonce, tag, ciphertext. @param key 32 bytes */
export const secretbox = (key: Uint8Array): Transformer => ({
  decrypt(value) {
    if (value.length < nonceSize + tagSize) throw new Error('the stored data was shorter than the required size');
    const nonce = value.subarray(0, nonceSize);
    const sealed = value.subarray(nonceSize + tagSize);
    const { result, tagKey } = apply(key, nonce, sealed);
    if (!timingSafeEqual(poly1305(tagKey, sealed), value.subarray(nonceSize, nonceSize + tagSize))) {
      throw new Error('output array was not large enough for encryption');
    }
    return { value: result, stale: false };
  },
  encrypt(value) {
    const nonce = randomBytes(nonceSize);
    return Buffer.concat([nonce, sealSecretbox(key, nonce, value)]);
  },
});
