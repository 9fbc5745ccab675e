/**
 * OpenAPI v2 as protobuf, `openapi.v2.Document` of gnostic: the form in which kubectl asks for it. Field numbers are those of
 * its `OpenAPIv2.proto`. Repeated parts are encoded one by one, so that a document is a concatenation.
 */
import { Buffer } from 'node:buffer';
import type { Json } from './schemas.ts';

class Message {
  readonly #parts: Buffer[] = [];

  #tag(field: number, wire: number): void {
    this.#parts.push(varint(field * 8 + wire));
  }

  bytes(field: number, value: Buffer): this {
    this.#tag(field, 2);
    this.#parts.push(varint(value.length), value);
    return this;
  }

  text(field: number, value: unknown): this {
    return typeof value === 'string' && value !== '' ? this.bytes(field, Buffer.from(value)) : this;
  }

  texts(field: number, values: unknown): this {
    for (const value of Array.isArray(values) ? values : []) this.bytes(field, Buffer.from(String(value)));
    return this;
  }

  flag(field: number, value: unknown): this {
    if (value !== true) return this;
    this.#tag(field, 0);
    this.#parts.push(varint(1));
    return this;
  }

  count(field: number, value: unknown): this {
    if (typeof value !== 'number' || value <= 0) return this;
    this.#tag(field, 0);
    this.#parts.push(varint(Math.trunc(value)));
    return this;
  }

  double(field: number, value: unknown): this {
    if (typeof value !== 'number' || value === 0) return this;
    this.#tag(field, 1);
    const buffer = Buffer.allocUnsafe(8);
    buffer.writeDoubleLE(value);
    this.#parts.push(buffer);
    return this;
  }

  /** Vendor extensions: whatever begins with `x-`. */
  extensions(field: number, json: Json): this {
    for (const name of Object.keys(json)) {
      if (name.startsWith('x-')) this.bytes(field, new Message().text(1, name).bytes(2, any(json[name])).finish());
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
const any = (value: unknown): Buffer => new Message().text(2, JSON.stringify(value)).finish();

function schemaOf(json: Json): Buffer {
  const message = new Message().text(1, json['$ref']).text(2, json['format']).text(3, json['title']).text(4, json['description']);
  if (json['default'] !== undefined) message.bytes(5, any(json['default']));
  message
    .double(6, json['multipleOf'])
    .double(7, json['maximum'])
    .flag(8, json['exclusiveMaximum'])
    .double(9, json['minimum'])
    .flag(10, json['exclusiveMinimum'])
    .count(11, json['maxLength'])
    .count(12, json['minLength'])
    .text(13, json['pattern'])
    .count(14, json['maxItems'])
    .count(15, json['minItems'])
    .flag(16, json['uniqueItems'])
    .count(17, json['maxProperties'])
    .count(18, json['minProperties'])
    .texts(19, json['required']);
  for (const value of (json['enum'] as unknown[] | undefined) ?? []) message.bytes(20, any(value));
  const additional = json['additionalProperties'];
  if (typeof additional === 'boolean') message.bytes(21, new Message().flag(2, additional).finish());
  else if (additional) message.bytes(21, new Message().bytes(1, schemaOf(additional as Json)).finish());
  if (typeof json['type'] === 'string') message.bytes(22, new Message().text(1, json['type']).finish());
  if (json['items']) message.bytes(23, new Message().bytes(1, schemaOf(json['items'] as Json)).finish());
  if (json['properties']) {
    const properties = new Message();
    for (const [name, schema] of Object.entries(json['properties'] as Record<string, Json>)) properties.bytes(1, namedSchema(name, schema));
    message.bytes(25, properties.finish());
  }
  return message.extensions(31, json).finish();
}

const namedSchema = (name: string, schema: Json): Buffer => new Message().text(1, name).bytes(2, schemaOf(schema)).finish();

function parameterOf(json: Json): Buffer {
  const parameter = new Message();
  if (json['in'] === 'body') {
    const body = new Message().text(1, json['description']).text(2, json['name']).text(3, json['in']).flag(4, json['required']);
    parameter.bytes(1, body.bytes(5, schemaOf(json['schema'] as Json)).finish());
  } else {
    const inPath = json['in'] === 'path';
    const simple = new Message().flag(1, json['required']).text(2, json['in']).text(3, json['description']).text(4, json['name']);
    simple.text(inPath ? 5 : 6, json['type']).flag(inPath ? 19 : 20, json['uniqueItems']);
    parameter.bytes(2, new Message().bytes(inPath ? 4 : 3, simple.finish()).finish());
  }
  return new Message().bytes(1, parameter.finish()).finish();
}

function responsesOf(json: Record<string, Json>): Buffer {
  const responses = new Message();
  for (const [code, { description, schema }] of Object.entries(json)) {
    const response = new Message().text(1, description);
    if (schema) response.bytes(2, new Message().bytes(1, schemaOf(schema as Json)).finish());
    const value = new Message().bytes(1, response.finish()).finish();
    responses.bytes(1, new Message().text(1, code).bytes(2, value).finish());
  }
  return responses.finish();
}

function operationOf(json: Json): Buffer {
  const operation = new Message().texts(1, json['tags']).text(3, json['description']).text(5, json['operationId']);
  operation.texts(6, json['produces']).texts(7, json['consumes']);
  for (const parameter of (json['parameters'] as Json[] | undefined) ?? []) operation.bytes(8, parameterOf(parameter));
  operation.bytes(9, responsesOf(json['responses'] as Record<string, Json>)).texts(10, json['schemes']);
  return operation.extensions(13, json).finish();
}

const methods: readonly [string, number][] = [
  ['get', 2],
  ['put', 3],
  ['post', 4],
  ['delete', 5],
  ['patch', 8],
];

/** One entry of `paths`, to be concatenated. */
export function encodePath(path: string, json: Json): Buffer {
  const item = new Message();
  for (const [method, field] of methods) if (json[method]) item.bytes(field, operationOf(json[method] as Json));
  for (const parameter of (json['parameters'] as Json[] | undefined) ?? []) item.bytes(9, parameterOf(parameter));
  return new Message().bytes(2, new Message().text(1, path).bytes(2, item.finish()).finish()).finish();
}

/** One entry of `definitions`, to be concatenated. */
export const encodeDefinition = (name: string, schema: Json): Buffer => new Message().bytes(1, namedSchema(name, schema)).finish();

/** The document, from its concatenated paths and definitions. */
export function encodeDocument(info: { title: string; version: string }, paths: Buffer, definitions: Buffer): Buffer {
  const about = new Message().text(1, info.title).text(2, info.version).finish();
  return new Message().text(1, '2.0').bytes(2, about).bytes(8, paths).bytes(9, definitions).finish();
}
