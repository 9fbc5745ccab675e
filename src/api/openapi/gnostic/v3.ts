/** OpenAPI v3 as `openapi.v3.Document`. Field numbers are those of gnostic's `OpenAPIv3.proto`. */
import { Buffer } from 'node:buffer';
import type { Entries, Frame } from '../forms.ts';
import type { Json } from '../schemas.ts';
import { any, entriesOf, listOf, Message } from './message.ts';

const named = (name: string, value: Message): Message => new Message().text(1, name).message(2, value);

/** The first member of a `oneof` whose second is a reference. */
const inline = (value: Message): Message => new Message().message(1, value);

const externalDocs = (json: Json): Message => new Message().text(1, json['description']).text(2, json['url']);

/** A default that is no plain value has no form there. */
function defaultOf(value: unknown): Message {
  const message = new Message();
  if (typeof value === 'number') return message.number(1, value);
  if (typeof value === 'boolean') return message.bool(2, value);
  return typeof value === 'string' ? message.bytes(3, Buffer.from(value)) : message;
}

const schemaOrReference = (json: Json): Message =>
  json['$ref'] === undefined ? inline(schemaOf(json)) : new Message().message(2, new Message().text(1, json['$ref']));

function schemaOf(json: Json): Message {
  const message = new Message().flag(1, json['nullable']);
  if (json['externalDocs']) message.message(6, externalDocs(json['externalDocs'] as Json));
  if (json['example'] !== undefined) message.message(7, any(json['example']));
  message
    .text(9, json['title'])
    .double(10, json['multipleOf'])
    .double(11, json['maximum'])
    .flag(12, json['exclusiveMaximum'])
    .double(13, json['minimum'])
    .flag(14, json['exclusiveMinimum'])
    .count(15, json['maxLength'])
    .count(16, json['minLength'])
    .text(17, json['pattern'])
    .count(18, json['maxItems'])
    .count(19, json['minItems'])
    .flag(20, json['uniqueItems'])
    .count(21, json['maxProperties'])
    .count(22, json['minProperties'])
    .texts(23, json['required']);
  for (const value of (json['enum'] as unknown[] | undefined) ?? []) message.message(24, any(value));
  message.text(25, json['type']);
  for (const [field, name] of [
    [26, 'allOf'],
    [27, 'oneOf'],
    [28, 'anyOf'],
  ] as const) {
    for (const one of listOf(json[name])) message.message(field, schemaOrReference(one));
  }
  if (json['not']) message.message(29, schemaOf(json['not'] as Json));
  if (json['items']) message.message(30, new Message().message(1, schemaOrReference(json['items'] as Json)));
  if (json['properties']) {
    const properties = new Message();
    for (const [name, schema] of entriesOf(json['properties'])) properties.message(1, named(name, schemaOrReference(schema)));
    message.message(31, properties);
  }
  const additional = json['additionalProperties'];
  if (typeof additional === 'boolean') message.message(32, new Message().bool(2, additional));
  else if (additional) message.message(32, inline(schemaOrReference(additional as Json)));
  if (json['default'] !== undefined) message.message(33, defaultOf(json['default']));
  return message.text(34, json['description']).text(35, json['format']).extensions(36, json);
}

function parameterOf(json: Json): Message {
  const parameter = new Message().text(1, json['name']).text(2, json['in']).text(3, json['description']).flag(4, json['required']);
  return inline(parameter.message(10, schemaOrReference(json['schema'] as Json)));
}

function contentOf(json: unknown): Message {
  const content = new Message();
  for (const [type, { schema }] of entriesOf(json)) content.message(1, named(type, new Message().message(1, schemaOrReference(schema as Json))));
  return content;
}

function responsesOf(json: unknown): Message {
  const responses = new Message();
  for (const [code, { description, content }] of entriesOf(json)) {
    const response = new Message().text(1, description);
    if (content) response.message(3, contentOf(content));
    responses.message(2, named(code, inline(response)));
  }
  return responses;
}

function operationOf(json: Json): Message {
  const operation = new Message().texts(1, json['tags']).text(3, json['description']).text(5, json['operationId']);
  for (const parameter of listOf(json['parameters'])) operation.message(6, parameterOf(parameter));
  const body = json['requestBody'] as Json | undefined;
  if (body) operation.message(7, inline(new Message().message(2, contentOf(body['content'])).flag(3, body['required'])));
  return operation.message(8, responsesOf(json['responses'])).extensions(13, json);
}

const methods: readonly [string, number][] = [
  ['get', 4],
  ['put', 5],
  ['post', 6],
  ['delete', 7],
  ['options', 8],
  ['head', 9],
  ['patch', 10],
];

/** One entry of `paths`, to be concatenated. */
export function encodePath(path: string, json: Json): Buffer {
  const item = new Message();
  for (const [method, field] of methods) if (json[method]) item.message(field, operationOf(json[method] as Json));
  for (const parameter of listOf(json['parameters'])) item.message(13, parameterOf(parameter));
  return new Message().message(1, named(path, item)).finish();
}

/** One entry of `components.schemas`, to be concatenated. */
export const encodeSchema = (name: string, schema: Json): Buffer => new Message().message(1, named(name, schemaOrReference(schema))).finish();

/** The document, from its parts. */
export function encodeDocument({ info, securitySchemes }: Frame, { paths, schemas }: Entries): Buffer {
  const components = new Message();
  if (schemas.length > 0) components.bytes(1, Buffer.concat(schemas));
  if (securitySchemes) {
    const all = new Message();
    for (const [name, { type, description, name: header, in: where }] of entriesOf(securitySchemes)) {
      all.message(1, named(name, inline(new Message().text(1, type).text(2, description).text(3, header).text(4, where))));
    }
    components.message(7, all);
  }
  const document = new Message().text(1, '3.0.0').message(2, new Message().text(1, info.title).text(6, info.version));
  return document.bytes(4, Buffer.concat(paths)).message(5, components).finish();
}
