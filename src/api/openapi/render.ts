/** Operations as OpenAPI v3 and v2 write them. */
import { createHash } from 'node:crypto';
import { parameterText } from './descriptions.ts';
import type { Operation, Path } from './operations.ts';
import type { Parameter } from './parameters.ts';
import { type Json, refTo } from './schemas.ts';

const statusText: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };

/** What an operation says in both. */
function common({ id, tag, description, action, gvk }: Operation): Json {
  return {
    description,
    operationId: id,
    tags: [tag],
    ...(action ? { 'x-kubernetes-action': action } : {}),
    ...(gvk ? { 'x-kubernetes-group-version-kind': gvk } : {}),
  };
}

function commonParameter({ name, in: where, description = parameterText(name) }: Parameter): Json {
  return { ...(description ? { description } : {}), in: where, name, ...(where === 'path' ? { required: true } : {}) };
}

const parameterV3 = (parameter: Parameter): Json => ({ ...commonParameter(parameter), schema: { type: parameter.type, uniqueItems: true } });

function operationV3(operation: Operation): Json {
  const { parameters, body, consumes, produces, response, codes } = operation;
  const contentOf = (types: readonly string[], schema: Json): Json => Object.fromEntries(types.map((type) => [type, { schema }]));
  const content = contentOf(produces, response ? refTo(response, 'v3') : { type: 'string' });
  const rendered = common(operation);
  if (parameters.length > 0) rendered['parameters'] = parameters.map(parameterV3);
  if (body) rendered['requestBody'] = { content: contentOf(consumes, refTo(body.type, 'v3')), ...(body.optional ? {} : { required: true }) };
  rendered['responses'] = {
    ...Object.fromEntries(codes.map((code) => [code, { description: statusText[code], content }])),
    401: { description: statusText[401] },
  };
  return rendered;
}

export function renderV3({ parameters, operations }: Path): Json {
  const rendered: Json = {};
  for (const [method, operation] of Object.entries(operations)) rendered[method] = operationV3(operation);
  if (parameters.length > 0) rendered['parameters'] = parameters.map(parameterV3);
  return rendered;
}

/** Parameters that many operations of the v2 document have, by the names under which these refer to them. */
export type SharedParameters = Map<string, Json>;

/** kubectl looks for these in the operations themselves, as long as it reads v2. */
const neverShared = ['name', 'fieldValidation', 'dryRun'];
const commonTypes = '#/definitions/io.k8s.apimachinery';

function parameterV2(rendered: Json, shared: SharedParameters): Json {
  const { name, in: where, schema } = rendered as { name: string; in: string; schema?: { $ref: string } };
  if (where === 'body' ? !schema?.$ref.startsWith(commonTypes) : neverShared.includes(name)) return rendered;
  const reference = `${name}-${createHash('sha256').update(JSON.stringify(rendered)).digest('base64url').slice(0, 8)}`;
  shared.set(reference, rendered);
  return { $ref: `#/parameters/${reference}` };
}

const plainV2 = (parameter: Parameter): Json => ({ ...commonParameter(parameter), type: parameter.type, uniqueItems: true });

function operationV2(operation: Operation, shared: SharedParameters): Json {
  const { parameters, body, consumes, produces, response, codes } = operation;
  const rendered = common(operation);
  const listed = parameters.map(plainV2);
  if (body) listed.unshift({ in: 'body', name: 'body', ...(body.optional ? {} : { required: true }), schema: refTo(body.type, 'v2') });
  if (listed.length > 0) rendered['parameters'] = listed.map((one) => parameterV2(one, shared));
  if (consumes.length > 0) rendered['consumes'] = consumes;
  rendered['produces'] = produces;
  rendered['schemes'] = ['https'];
  const schema = response ? refTo(response, 'v2') : { type: 'string' };
  rendered['responses'] = {
    ...Object.fromEntries(codes.map((code) => [code, { description: statusText[code], schema }])),
    401: { description: statusText[401] },
  };
  return rendered;
}

export function renderV2({ parameters, operations }: Path, shared: SharedParameters): Json {
  const rendered: Json = {};
  for (const [method, operation] of Object.entries(operations)) rendered[method] = operationV2(operation, shared);
  if (parameters.length > 0) rendered['parameters'] = parameters.map((one) => parameterV2(plainV2(one), shared));
  return rendered;
}
