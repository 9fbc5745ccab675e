/**
 * Writes a protobuf message from its end to its start, so that the length of a nested message is known when its prefix is written.
 * Fields are therefore written in descending order.
 */
import { Buffer } from 'node:buffer';

/** A buffer that one huge message made larger is given back. */
const keptSize = 1024 * 1024;

export class ProtoWriter {
  #buffer: Buffer;
  /** Where the written part starts. */
  position: number;

  constructor(size = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
    this.position = size;
  }

  /** Bytes written so far; the difference of two values is the length of what was written between them. */
  get length(): number {
    return this.#buffer.length - this.position;
  }

  #reserve(bytes: number): void {
    if (this.position >= bytes) return;
    const written = this.length;
    const size = Math.max(this.#buffer.length * 2, written + bytes + 1024);
    const grown = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(grown, size - written, this.position);
    this.#buffer = grown;
    this.position = size - written;
  }

  /** A non-negative safe integer. */
  varint(value: number): void {
    this.#reserve(10);
    const buffer = this.#buffer;
    if (value < 0x80) {
      buffer[--this.position] = value;
      return;
    }
    let bytes = 2;
    for (let limit = 0x4000; bytes < 8 && value >= limit; limit *= 0x80) bytes++;
    let at = this.position - bytes;
    this.position = at;
    let rest = value;
    for (let left = bytes; left > 1; left--) {
      buffer[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    buffer[at] = rest;
  }

  /** An integer of up to 64 bits; a negative one takes ten bytes, as protobuf has it. */
  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.position -= bytes.length;
    this.#buffer.set(bytes, this.position);
  }

  double(value: number): void {
    this.#reserve(8);
    this.position -= 8;
    this.#buffer.writeDoubleLE(value, this.position);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.position -= value.length;
    this.#buffer.set(value, this.position);
  }

  /** The text's bytes without a length. */
  text(value: string): void {
    const length = value.length;
    this.#reserve(length * 3);
    if (length < 32) {
      const buffer = this.#buffer;
      let at = this.position;
      let index = length - 1;
      for (; index >= 0; index--) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        buffer[--at] = code;
      }
      if (index < 0) {
        this.position = at;
        return;
      }
    }
    const size = Buffer.byteLength(value);
    this.position -= size;
    this.#buffer.write(value, this.position, size, size === length ? 'latin1' : 'utf8');
  }

  /** The text with its length in front. */
  string(value: string): void {
    const before = this.length;
    this.text(value);
    this.varint(this.length - before);
  }

  /** What was written, as bytes of their own; the writer is empty again. */
  finish(): Buffer {
    const result = Buffer.from(this.#buffer.subarray(this.position));
    if (this.#buffer.length > keptSize) this.#buffer = Buffer.allocUnsafeSlow(keptSize);
    this.position = this.#buffer.length;
    return result;
  }

  /** Forgets what was written: after an error in the middle of a message. */
  reset(): void {
    this.position = this.#buffer.length;
  }
}

/** For whole messages, one after the other: encoding is synchronous, so one buffer serves all. */
export const sharedWriter = new ProtoWriter();
