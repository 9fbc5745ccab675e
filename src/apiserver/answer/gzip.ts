/**
 * Bodies of many parts, compressed part by part: each on its own, as blocks of one stream, and remembered as long as the part is. A long
 * list that is asked for again is compressed only where it changed. Source of the format: RFC 1951, RFC 1952.
 */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

const deflateAsync = promisify<Uint8Array, object, Buffer>(deflateRaw);

/** As upstream: the quickest. What is flushed ends at a byte, and another block may follow. */
const options = { level: 1, finishFlush: constants.Z_SYNC_FLUSH };

interface Deflated {
  blocks: Uint8Array;
  crc: number;
  length: number;
  /** What appending the part does to the checksum of what is before it. */
  shift: number;
}

const known = new WeakMap<Uint8Array, Promise<Deflated>>();

function deflated(part: Uint8Array): Promise<Deflated> {
  let found = known.get(part);
  if (!found) {
    found = deflateAsync(part, options).then((blocks) => ({ blocks, crc: crc32(part), length: part.byteLength, shift: shiftOf(part.byteLength) }));
    known.set(part, found);
  }
  return found;
}

const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** One gzip stream, in parts. */
export async function gzipParts(parts: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const all = await Promise.all(parts.map(deflated));
  let checksum = 0;
  let length = 0;
  for (const part of all) {
    checksum = (multiply(part.shift, checksum) ^ part.crc) >>> 0;
    length += part.length;
  }
  // An empty last block comes before the checksum.
  const tail = Buffer.from([0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  tail.writeUInt32LE(checksum, 2);
  tail.writeUInt32LE(length % 2 ** 32, 6);
  return [head, ...all.map(({ blocks }) => blocks), tail];
}

/** CRC-32's polynomial, bits reversed: the highest is x^0. */
const polynomial = 0xedb88320;
const one = 0x80000000;

/** Of two polynomials, modulo CRC-32's. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? (b >>> 1) ^ polynomial : b >>> 1;
  }
  return product >>> 0;
}

/** x to the power of the bits in so many bytes: checksums are joined by it. */
function shiftOf(bytes: number): number {
  let shift = one;
  // x^8, then its square for each binary digit.
  let power = one >>> 8;
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = multiply(power, shift);
    power = multiply(power, power);
  }
  return shift;
}
