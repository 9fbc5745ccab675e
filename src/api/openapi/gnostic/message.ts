/** Protobuf messages as gnostic has them: OpenAPI documents in the form in which kubectl and client-go ask for them. */
import { Buffer } from 'node:buffer';
import type { Json } from '../schemas.ts';

export class Message {
  readonly #parts: Buffer[] = [];

  #tag(field: number, wire: number): void {
    this.#parts.push(varint(field * 8 + wire));
  }

  bytes(field: number, value: Buffer): this {
    this.#tag(field, 2);
    this.#parts.push(varint(value.length), value);
    return this;
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  text(field: number, value: unknown): this {
    return typeof value === 'string' && value !== '' ? this.bytes(field, Buffer.from(value)) : this;
  }

  texts(field: number, values: unknown): this {
    for (const value of Array.isArray(values) ? values : []) this.bytes(field, Buffer.from(String(value)));
    return this;
  }

  flag(field: number, value: unknown): this {
    return value === true ? this.bool(field, true) : this;
  }

  /** Also when it is false: a member of a `oneof`. */
  bool(field: number, value: boolean): this {
    this.#tag(field, 0);
    this.#parts.push(varint(Number(value)));
    return this;
  }

  count(field: number, value: unknown): this {
    if (typeof value !== 'number' || value <= 0) return this;
    this.#tag(field, 0);
    this.#parts.push(varint(Math.trunc(value)));
    return this;
  }

  double(field: number, value: unknown): this {
    return typeof value === 'number' && value !== 0 ? this.number(field, value) : this;
  }

  /** Also when it is 0: a member of a `oneof`. */
  number(field: number, value: number): this {
    this.#tag(field, 1);
    const buffer = Buffer.allocUnsafe(8);
    buffer.writeDoubleLE(value);
    this.#parts.push(buffer);
    return this;
  }

  /** Vendor extensions: whatever begins with `x-`. */
  extensions(field: number, json: Json): this {
    for (const name of Object.keys(json)) {
      if (name.startsWith('x-')) this.message(field, new Message().text(1, name).message(2, any(json[name])));
    }
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** JSON is YAML. */
export const any = (value: unknown): Message => new Message().text(2, JSON.stringify(value));

export const entriesOf = (json: unknown): [string, Json][] => Object.entries((json ?? {}) as Record<string, Json>);
export const listOf = (json: unknown): Json[] => (Array.isArray(json) ? json : []);
