/** The official JavaScript client, as its users use it: typed calls, patches, server-side apply, a watch, and an informer. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AppsV1Api,
  CoreV1Api as Core,
  type CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { eventually } from '../e2e/cluster.ts';
import { startTestControlPlane, type TestControlPlane } from '../support/controlplane.ts';

let cluster: TestControlPlane;
const config = new KubeConfig();
let core: CoreV1Api;
before(async () => {
  cluster = await startTestControlPlane();
  config.loadFromFile(cluster.kubeconfig);
  core = config.makeApiClient(Core);
});
after(() => cluster[Symbol.asyncDispose]());

const namespace = 'default';
const configMap = (name: string, data: Record<string, string>): V1ConfigMap => ({ metadata: { name, labels: { app: 'js' } }, data });

/** The code of the failure that the call must be. */
async function codeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
  } catch (error) {
    return (error as { code: number }).code;
  }
  throw new Error('the call did not fail');
}

test('objects are created, read, listed, replaced, patched in every way, and deleted', async () => {
  const made = await core.createNamespacedConfigMap({ namespace, body: configMap('a', { a: 'b' }) });
  assert.ok(made.metadata?.creationTimestamp instanceof Date);
  assert.equal(await codeOf(core.createNamespacedConfigMap({ namespace, body: configMap('a', {}) })), 409);
  assert.equal(await codeOf(core.readNamespacedConfigMap({ namespace, name: 'none' })), 404);
  const read = await core.readNamespacedConfigMap({ namespace, name: 'a' });
  assert.deepEqual(read.data, { a: 'b' });
  const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=js', limit: 10 });
  assert.deepEqual(
    items.map(({ metadata }) => metadata?.name),
    ['a'],
  );
  const replaced = await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: { ...read, data: { a: 'c' } } });
  assert.equal(await codeOf(core.replaceNamespacedConfigMap({ namespace, name: 'a', body: read })), 409);
  assert.notEqual(replaced.metadata?.resourceVersion, read.metadata?.resourceVersion);
  const patched = async (body: unknown, strategy: string): Promise<unknown> =>
    (
      await core.patchNamespacedConfigMap(
        { namespace, name: 'a', body, fieldManager: 'js', force: strategy === PatchStrategy.ServerSideApply ? true : undefined },
        setHeaderOptions('Content-Type', strategy),
      )
    ).data;
  assert.deepEqual(await patched([{ op: 'add', path: '/data/b', value: '1' }], PatchStrategy.JsonPatch), { a: 'c', b: '1' });
  assert.deepEqual(await patched({ data: { b: null, c: '2' } }, PatchStrategy.MergePatch), { a: 'c', c: '2' });
  assert.deepEqual(await patched({ data: { d: '3' } }, PatchStrategy.StrategicMergePatch), { a: 'c', c: '2', d: '3' });
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { e: '4' } };
  assert.deepEqual(await patched(applied, PatchStrategy.ServerSideApply), { a: 'c', c: '2', d: '3', e: '4' });
  await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
  assert.equal(await codeOf(core.readNamespacedConfigMap({ namespace, name: 'a' })), 404);
});

test('deployments are scaled, their status is written; objects of any kind go by their type', async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
  await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'web' }, spec: { replicas: 1, selector: { matchLabels: labels }, template } } });
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'web' });
  await apps.replaceNamespacedDeploymentScale({ namespace, name: 'web', body: { ...scale, spec: { replicas: 3 } } });
  const scaled = await apps.readNamespacedDeployment({ namespace, name: 'web' });
  assert.equal(scaled.spec?.replicas, 3);
  const stated = await apps.replaceNamespacedDeploymentStatus({ namespace, name: 'web', body: { ...scaled, status: { replicas: 2 } } });
  assert.equal(stated.status?.replicas, 2);
  const objects = KubernetesObjectApi.makeApiClient(config);
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'generic', namespace }, stringData: { a: 'b' } };
  await objects.create(secret);
  const found = (await objects.read(secret)) as { data?: Record<string, string> };
  assert.equal(found.data?.['a'], 'Yg==');
  assert.equal((await config.makeApiClient(VersionApi).getCode()).minor, '36');
});

test('a watch tells of changes; an informer keeps a cache', async () => {
  const events: string[] = [];
  const controller = await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { labelSelector: 'app=js' },
    (type: string, object: V1ConfigMap) => void events.push(`${type} ${object.metadata?.name}`),
    () => {},
  );
  const informer = makeInformer<V1ConfigMap>(
    config,
    `/api/v1/namespaces/${namespace}/configmaps`,
    () => core.listNamespacedConfigMap({ namespace, labelSelector: 'app=js' }),
    'app=js',
  );
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: configMap('w', { a: '1' }) });
  await core.replaceNamespacedConfigMap({ namespace, name: 'w', body: configMap('w', { a: '2' }) });
  await eventually('the informer knows the change', async () => informer.get('w', namespace)?.data?.['a'] === '2');
  await core.deleteNamespacedConfigMap({ namespace, name: 'w' });
  await eventually('the informer knows the end', async () => informer.get('w', namespace) === undefined);
  await eventually('the watch told all', async () => events.length >= 3);
  assert.deepEqual(events, ['ADDED w', 'MODIFIED w', 'DELETED w']);
  await informer.stop();
  controller.abort();
});

test('custom resources are served as soon as they are defined', async () => {
  const group = 'js.example.com';
  const names = { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer', _default: 1 } } } } } };
  const versions = [{ name: 'v1', served: true, storage: true, schema }];
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `gadgets.${group}` } };
  await KubernetesObjectApi.makeApiClient(config).create({ ...definition, spec: { group, scope: 'Namespaced', names, versions } } as typeof definition);
  const custom = config.makeApiClient(CustomObjectsApi);
  const of = { group, version: 'v1', namespace, plural: 'gadgets' };
  await eventually('the new kind is served', () => custom.listNamespacedCustomObject(of).then(Boolean, () => false));
  const made = await custom.createNamespacedCustomObject({ ...of, body: { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'g' }, spec: {} } });
  assert.equal(made.spec.size, 1);
});
