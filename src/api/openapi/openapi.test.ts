import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { configmaps } from '../core/v1/configmap.ts';
import { builtinKinds } from '../index.ts';
import type { KindDefinition } from '../kind.ts';
import { openapiV2, openapiV3, openapiV3Paths } from './index.ts';

type Tree = Record<string, any>;

/** Every `$ref` that is somewhere in the document. */
function refsOf(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) refsOf(item, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      if (name === '$ref' && typeof item === 'string') found.add(item);
      else refsOf(item, found);
    }
  }
  return found;
}

async function v3(key: string, ...more: Parameters<typeof openapiV3> extends [string, ...infer R] ? R : never): Promise<Tree> {
  const document = openapiV3(key, ...more);
  assert.ok(document, `${key} has a document`);
  return JSON.parse((await document.plain('json')).toString());
}

test('the index names a document with its hash for everything that is served', () => {
  const paths = openapiV3Paths();
  assert.match(paths['api/v1']?.serverRelativeURL ?? '', /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{128}$/);
  for (const key of ['api', 'apis', 'apis/apps', 'apis/apps/v1', 'version']) {
    assert.equal(paths[key]?.serverRelativeURL, `/openapi/v3/${key}?hash=${openapiV3(key)?.hash}`);
  }
  assert.equal(openapiV3('apis/example.com/v1'), undefined);
});

test('a v3 document says what is in it, and everything that it refers to', async () => {
  for (const key of ['api/v1', 'apis/apps/v1', 'apis/apiextensions.k8s.io/v1']) {
    const document = await v3(key);
    const { schemas } = document['components'];
    const missing = [...refsOf(document)].filter((ref) => schemas[ref.slice('#/components/schemas/'.length)] === undefined);
    assert.deepEqual(missing, [], key);
  }
});

test('clients find the parameters of a patch by the kind', async () => {
  const { paths, components } = await v3('apis/apps/v1');
  const { patch } = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
  assert.deepEqual(patch['x-kubernetes-group-version-kind'], { group: 'apps', kind: 'Deployment', version: 'v1' });
  assert.equal(patch['x-kubernetes-action'], 'patch');
  assert.equal(patch.operationId, 'patchAppsV1NamespacedDeployment');
  assert.deepEqual(
    patch.parameters.map(({ name }: Tree) => name),
    ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  );
  const { put } = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale'];
  assert.deepEqual(put['x-kubernetes-group-version-kind'], { group: 'autoscaling', kind: 'Scale', version: 'v1' });
  const { containers } = components.schemas['io.k8s.api.core.v1.PodSpec'].properties;
  assert.deepEqual(Object.fromEntries(Object.entries(containers).filter(([name]) => name.startsWith('x-'))), {
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  });
});

/** As much of gnostic's `OpenAPIv2.proto` as is looked at here. */
const gnostic = protobuf
  .parse(`syntax = "proto3";
message Any { string yaml = 2; }
message NamedAny { string name = 1; Any value = 2; }
message Schema { string _ref = 1; string description = 4; repeated string required = 19; Properties properties = 25; repeated NamedAny vendor_extension = 31; }
message NamedSchema { string name = 1; Schema value = 2; }
message Properties { repeated NamedSchema additional_properties = 1; }
message Query { string name = 4; string type = 6; }
message NonBody { Query query = 3; }
message Parameter { NonBody non_body = 2; }
message ParametersItem { Parameter parameter = 1; }
message Operation { string operation_id = 5; repeated ParametersItem parameters = 8; repeated NamedAny vendor_extension = 13; }
message PathItem { Operation patch = 8; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message Paths { repeated NamedPathItem path = 2; }
message Definitions { repeated NamedSchema additional_properties = 1; }
message Document { string swagger = 1; Paths paths = 8; Definitions definitions = 9; }`)
  .root.lookupType('Document');

test('the v2 document is the same in JSON and in protobuf', async () => {
  const v2 = openapiV2();
  const document: Tree = JSON.parse((await v2.plain('json')).toString());
  const missing = [...refsOf(document)].filter((ref) => {
    const [, kind = '', name = ''] = ref.split('/');
    return document[kind][name] === undefined;
  });
  assert.deepEqual(missing, []);
  const decoded: Tree = gnostic.toObject(gnostic.decode(await v2.plain('protobuf')));
  const names = (list: Tree[]): string[] => list.map(({ name }) => name);
  assert.deepEqual(names(decoded['paths'].path), Object.keys(document['paths']));
  assert.deepEqual(names(decoded['definitions'].additionalProperties), Object.keys(document['definitions']));
  const { patch } = decoded['paths'].path.find(({ name }: Tree) => name === '/api/v1/namespaces/{namespace}/pods/{name}').value;
  assert.equal(patch.operationId, 'patchCoreV1NamespacedPod');
  const gvk = patch.vendorExtension.find(({ name }: Tree) => name === 'x-kubernetes-group-version-kind');
  assert.deepEqual(JSON.parse(gvk.value.yaml), { group: '', kind: 'Pod', version: 'v1' });
  assert.ok(patch.parameters.some(({ parameter }: Tree) => parameter?.nonBody?.query.name === 'fieldValidation'));
});

/** As much of gnostic's `OpenAPIv3.proto` as is looked at here. */
const gnostic3 = protobuf
  .parse(`syntax = "proto3";
message Default { oneof kind { double number = 1; bool boolean = 2; string string = 3; } }
message Reference { string _ref = 1; }
message Schema { string type = 25; repeated SchemaOrReference all_of = 26; Properties properties = 31; Default default = 33; }
message SchemaOrReference { Schema schema = 1; Reference reference = 2; }
message NamedSchema { string name = 1; SchemaOrReference value = 2; }
message Properties { repeated NamedSchema additional_properties = 1; }
message Operation { string operation_id = 5; }
message PathItem { Operation get = 4; Operation patch = 10; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message Paths { repeated NamedPathItem path = 1; }
message Schemas { repeated NamedSchema additional_properties = 1; }
message Components { Schemas schemas = 1; }
message Document { string openapi = 1; Paths paths = 4; Components components = 5; }`)
  .root.lookupType('Document');

test('a v3 document is the same in JSON and in protobuf', async () => {
  const document = await v3('apis/apps/v1');
  const bytes = await openapiV3('apis/apps/v1')?.plain('protobuf');
  const decoded: Tree = gnostic3.toObject(gnostic3.decode(bytes as Buffer));
  const names = (list: Tree[]): string[] => list.map(({ name }) => name);
  assert.equal(decoded['openapi'], '3.0.0');
  assert.deepEqual(names(decoded['paths'].path), Object.keys(document['paths']));
  const schemas = decoded['components'].schemas.additionalProperties;
  assert.deepEqual(names(schemas), Object.keys(document['components'].schemas));
  const properties = schemas.find(({ name }: Tree) => name === 'io.k8s.api.core.v1.ContainerPort').value.schema.properties.additionalProperties;
  const valueOf = (field: string) => properties.find(({ name }: Tree) => name === field).value.schema.default;
  assert.deepEqual([valueOf('protocol'), valueOf('containerPort'), valueOf('hostIP')], [{ string: 'TCP' }, { number: 0 }, undefined]);
});

const widgets: KindDefinition = { ...configmaps, group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', singular: 'widget', schema: '' };

async function widgetIn(schema: Record<string, unknown> | undefined): Promise<{ v2: Tree; v3: Tree }> {
  const custom = { definition: widgets, revision: JSON.stringify(schema ?? null), ...(schema ? { schema } : {}) };
  const kinds = [{ definition: configmaps }, custom];
  const document = JSON.parse((await openapiV2(kinds).plain('json')).toString());
  return { v2: document.definitions['com.example.v1.Widget'], v3: (await v3('apis/example.com/v1', kinds))['components'].schemas['com.example.v1.Widget'] };
}

const gvk = [{ group: 'example.com', kind: 'Widget', version: 'v1' }];

test('a custom kind is published as it was declared', async () => {
  const spec = { type: 'object', required: ['a', 'b'], properties: { a: { type: 'string', nullable: true }, b: { type: 'array', items: { type: 'string' } } } };
  const { v2, v3: three } = await widgetIn({ description: 'A widget.', type: 'object', properties: { spec } });
  assert.deepEqual(three['properties'].spec, spec);
  assert.deepEqual(v2['properties'].spec, { type: 'object', required: ['b'], properties: { a: {}, b: { type: 'array', items: { type: 'string' } } } });
  assert.equal(v2['description'], 'A widget.');
  assert.deepEqual(v2['x-kubernetes-group-version-kind'], gvk);
  assert.equal(v2['properties'].metadata.$ref, '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
});

test('a custom kind of any content is published without fields, so that clients allow all', async () => {
  assert.deepEqual(await widgetIn(undefined), {
    v2: { type: 'object', 'x-kubernetes-group-version-kind': gvk },
    v3: { type: 'object', 'x-kubernetes-group-version-kind': gvk },
  });
  const { v2 } = await widgetIn({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  assert.deepEqual(v2, { type: 'object', 'x-kubernetes-group-version-kind': gvk });
});

test('parts of the document are made again when what they describe changed, and only then', async () => {
  const kinds = builtinKinds.map((definition) => ({ definition }));
  assert.equal(openapiV3('apis/apps/v1', kinds), openapiV3('apis/apps/v1', [...kinds]));
  const one = await v3('apis/example.com/v1', [{ definition: widgets, schema: { type: 'object' }, revision: '1' }]);
  const two = await v3('apis/example.com/v1', [{ definition: widgets, schema: { type: 'object', description: 'new' }, revision: '2' }]);
  assert.notDeepEqual(one, two);
});
