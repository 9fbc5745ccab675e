/** Operations as OpenAPI v3 and v2 write them. */
import type { Operation, Parameter, Path } from './operations.ts';
import { type Dialect, type Json, patchType, refTo } from './schemas.ts';

const statusText: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };
const answerTypes = ['application/json', 'application/yaml'];
const protobufType = 'application/vnd.kubernetes.protobuf';
const patchTypes = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
const strategicType = 'application/strategic-merge-patch+json';

/** What all operations of one kind have in common. */
export interface RenderOptions {
  dialect: Dialect;
  /** `apps_v1` */
  tag: string;
  /** A custom resource: no protobuf, no strategic merge patch. */
  custom: boolean;
}

const produced = ({ custom }: RenderOptions): string[] => (custom ? answerTypes : [...answerTypes, protobufType]);
const patched = ({ custom }: RenderOptions): string[] => (custom ? patchTypes : [...patchTypes, strategicType]);

function parameterOf({ name, in: where, type, description }: Parameter, dialect: Dialect): Json {
  const typed = { type, uniqueItems: true };
  const required = where === 'path' ? { required: true } : {};
  return dialect === 'v3' ? { name, in: where, description, ...required, schema: typed } : { ...typed, description, name, in: where, ...required };
}

function operationOf(operation: Operation, options: RenderOptions): Json {
  const { dialect, tag } = options;
  const rendered: Json = {
    description: operation.description,
    operationId: operation.id,
    tags: [tag],
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  };
  const parameters = operation.parameters.map((one) => parameterOf(one, dialect));
  const responses: Json = {};
  const body = operation.isPatch ? patchType : operation.body;
  if (dialect === 'v3') {
    const schema = operation.response ? refTo(operation.response, dialect) : { type: 'string' };
    const content = Object.fromEntries((operation.response ? produced(options) : ['*/*']).map((type) => [type, { schema }]));
    for (const code of operation.codes) responses[code] = { description: statusText[code], content };
    const types = operation.isPatch ? patched(options) : ['*/*'];
    if (body) {
      const content = Object.fromEntries(types.map((type) => [type, { schema: refTo(body, dialect) }]));
      rendered['requestBody'] = { content, ...(operation.action === 'delete' || operation.action === 'deletecollection' ? {} : { required: true }) };
    }
  } else {
    const schema = operation.response ? refTo(operation.response, dialect) : { type: 'string' };
    for (const code of operation.codes) responses[code] = { description: statusText[code], schema };
    if (body) {
      const required = operation.action.startsWith('delete') ? {} : { required: true };
      parameters.unshift({ name: 'body', in: 'body', ...required, schema: refTo(body, dialect) });
    }
    rendered['consumes'] = operation.isPatch ? patched(options) : ['*/*'];
    rendered['produces'] = operation.response ? produced(options) : ['*/*'];
    rendered['schemes'] = ['https'];
  }
  responses[401] = { description: statusText[401] };
  if (parameters.length > 0) rendered['parameters'] = parameters;
  rendered['responses'] = responses;
  return rendered;
}

/** One path item. */
export function renderPath({ parameters, operations }: Path, options: RenderOptions): Json {
  const rendered: Json = {};
  for (const [method, operation] of Object.entries(operations)) rendered[method] = operationOf(operation, options);
  rendered['parameters'] = parameters.map((one) => parameterOf(one, options.dialect));
  return rendered;
}
