/** OpenAPI v2 as `openapi.v2.Document`. Field numbers are those of gnostic's `OpenAPIv2.proto`. */
import { Buffer } from 'node:buffer';
import type { Entries, Frame } from '../forms.ts';
import type { Json } from '../schemas.ts';
import { any, entriesOf, listOf, Message } from './message.ts';

const externalDocs = (json: Json): Message => new Message().text(1, json['description']).text(2, json['url']);

function schemaOf(json: Json): Message {
  const message = new Message().text(1, json['$ref']).text(2, json['format']).text(3, json['title']).text(4, json['description']);
  if (json['default'] !== undefined) message.message(5, any(json['default']));
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
  for (const value of (json['enum'] as unknown[] | undefined) ?? []) message.message(20, any(value));
  const additional = json['additionalProperties'];
  if (typeof additional === 'boolean') message.message(21, new Message().bool(2, additional));
  else if (additional) message.message(21, new Message().message(1, schemaOf(additional as Json)));
  if (typeof json['type'] === 'string') message.message(22, new Message().text(1, json['type']));
  if (json['items']) message.message(23, new Message().message(1, schemaOf(json['items'] as Json)));
  if (json['properties']) {
    const properties = new Message();
    for (const [name, schema] of entriesOf(json['properties'])) properties.message(1, namedSchema(name, schema));
    message.message(25, properties);
  }
  if (json['externalDocs']) message.message(29, externalDocs(json['externalDocs'] as Json));
  if (json['example'] !== undefined) message.message(30, any(json['example']));
  return message.extensions(31, json);
}

const namedSchema = (name: string, schema: Json): Message => new Message().text(1, name).message(2, schemaOf(schema));

function parameterOf(json: Json): Message {
  const parameter = new Message();
  if (json['in'] === 'body') {
    const body = new Message().text(1, json['description']).text(2, json['name']).text(3, json['in']).flag(4, json['required']);
    return parameter.message(1, body.message(5, schemaOf(json['schema'] as Json)));
  }
  const inPath = json['in'] === 'path';
  const simple = new Message().flag(1, json['required']).text(2, json['in']).text(3, json['description']).text(4, json['name']);
  simple.text(inPath ? 5 : 6, json['type']).flag(inPath ? 19 : 20, json['uniqueItems']);
  return parameter.message(2, new Message().message(inPath ? 4 : 3, simple));
}

const parameterItem = (json: Json): Message =>
  json['$ref'] === undefined ? new Message().message(1, parameterOf(json)) : new Message().message(2, new Message().text(1, json['$ref']));

function responsesOf(json: unknown): Message {
  const responses = new Message();
  for (const [code, { description, schema }] of entriesOf(json)) {
    const response = new Message().text(1, description);
    if (schema) response.message(2, new Message().message(1, schemaOf(schema as Json)));
    responses.message(1, new Message().text(1, code).message(2, new Message().message(1, response)));
  }
  return responses;
}

function operationOf(json: Json): Message {
  const operation = new Message().texts(1, json['tags']).text(3, json['description']).text(5, json['operationId']);
  operation.texts(6, json['produces']).texts(7, json['consumes']);
  for (const parameter of listOf(json['parameters'])) operation.message(8, parameterItem(parameter));
  return operation.message(9, responsesOf(json['responses'])).texts(10, json['schemes']).extensions(13, json);
}

const methods: readonly [string, number][] = [
  ['get', 2],
  ['put', 3],
  ['post', 4],
  ['delete', 5],
  ['options', 6],
  ['head', 7],
  ['patch', 8],
];

/** One entry of `paths`, to be concatenated. */
export function encodePath(path: string, json: Json): Buffer {
  const item = new Message();
  for (const [method, field] of methods) if (json[method]) item.message(field, operationOf(json[method] as Json));
  for (const parameter of listOf(json['parameters'])) item.message(9, parameterItem(parameter));
  return new Message().message(2, new Message().text(1, path).message(2, item)).finish();
}

/** One entry of `definitions`, to be concatenated. */
export const encodeDefinition = (name: string, schema: Json): Buffer => new Message().message(1, namedSchema(name, schema)).finish();

/** One entry of `parameters`, to be concatenated. */
export const encodeParameter = (name: string, json: Json): Buffer =>
  new Message().message(1, new Message().text(1, name).message(2, parameterOf(json))).finish();

function securityOf(schemes: Json): Message {
  const definitions = new Message();
  for (const [name, { type, name: header, in: where, description }] of entriesOf(schemes)) {
    const key = new Message().text(1, type).text(2, header).text(3, where).text(4, description);
    definitions.message(1, new Message().text(1, name).message(2, new Message().message(2, key)));
  }
  return definitions;
}

/** The document, from its parts. */
export function encodeDocument({ info, securitySchemes = {} }: Frame, { paths, schemas, parameters }: Entries): Buffer {
  const document = new Message().text(1, '2.0').message(2, new Message().text(1, info.title).text(2, info.version));
  document.bytes(8, Buffer.concat(paths)).bytes(9, Buffer.concat(schemas)).bytes(10, Buffer.concat(parameters));
  for (const name of Object.keys(securitySchemes)) {
    document.message(12, new Message().message(1, new Message().text(1, name).message(2, new Message())));
  }
  return document.message(13, securityOf(securitySchemes)).finish();
}
