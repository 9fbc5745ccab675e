/** Reads protobuf wire values from a part of a buffer. Every method throws an Error when the bytes end too early. */
import type { Buffer } from 'node:buffer';
import { integerOf, type RawNumber } from './number.ts';

export class ProtoReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #position: number;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#position = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new Error('proto: unexpected EOF');
    return this.#buffer[this.#position++] as number;
  }

  /** Up to 53 bits; more are an error here, see {@link int64}. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
      if (factor > 2 ** 56) throw new Error('proto: integer overflow');
    }
    return value;
  }

  int64(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new Error('proto: integer overflow');
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }

  /** An int64 as a number where that is exact. */
  integer(): number | RawNumber {
    const first = this.#buffer[this.#position] as number;
    if (first < 0x80) {
      return this.#byte();
    }
    return integerOf(this.int64());
  }

  int32(): number {
    const value = this.integer();
    return typeof value === 'number' ? value | 0 : 0;
  }

  double(): number {
    this.#need(8);
    const value = this.#buffer.readDoubleLE(this.#position);
    this.#position += 8;
    return value;
  }

  #need(bytes: number): void {
    if (this.#position + bytes > this.#end) throw new Error('proto: unexpected EOF');
  }

  /** The bytes of a length-delimited value, sharing memory with the buffer. */
  bytes(): Buffer {
    const length = this.varint();
    this.#need(length);
    const start = this.#position;
    this.#position += length;
    return this.#buffer.subarray(start, start + length);
  }

  string(): string {
    const length = this.varint();
    this.#need(length);
    const start = this.#position;
    this.#position += length;
    return this.#buffer.toString('utf8', start, start + length);
  }

  /** A reader of the nested message that comes next. */
  message(): ProtoReader {
    const length = this.varint();
    this.#need(length);
    const start = this.#position;
    this.#position += length;
    return new ProtoReader(this.#buffer, start, start + length);
  }

  skip(wire: number): void {
    if (wire === 0) this.int64();
    else if (wire === 1) this.#advance(8);
    else if (wire === 2) this.#advance(this.varint());
    else if (wire === 5) this.#advance(4);
    else throw new Error(`proto: illegal wireType ${wire}`);
  }

  #advance(bytes: number): void {
    this.#need(bytes);
    this.#position += bytes;
  }
}
