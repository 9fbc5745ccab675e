/**
 * An operator as people write them, on the official JavaScript client's informers, against a cluster inside this process:
 * custom resources with a finalizer, owned Deployments kept by server-side apply, status, restart.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type Informer,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
} from '@kubernetes/client-node';
import { type Cluster, startCluster } from '../../src/index.ts';
import { eventually } from '../e2e/cluster.ts';

const namespace = 'default';
const of = { group: 'example.com', version: 'v1', namespace, plural: 'websites' };
const finalizer = 'example.com/say-goodbye';
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

interface Website extends KubernetesObject {
  spec: { replicas: number };
  status?: { observedGeneration?: number; replicas?: number };
}

let cluster: Cluster;
const config = new KubeConfig();
let custom: CustomObjectsApi;
let apps: AppsV1Api;
let core: CoreV1Api;

before(async () => {
  cluster = await startCluster({
    controllers: ['serviceaccount-controller', 'garbage-collector-controller', 'deployment-controller', 'replicaset-controller'],
    scheduler: false,
  });
  config.loadFromString(cluster.kubeconfig);
  custom = config.makeApiClient(CustomObjectsApi);
  apps = config.makeApiClient(AppsV1Api);
  core = config.makeApiClient(CoreV1Api);
  const website = {
    type: 'object',
    properties: {
      spec: { type: 'object', required: ['replicas'], properties: { replicas: { type: 'integer', minimum: 0 } } },
      status: { type: 'object', properties: { observedGeneration: { type: 'integer' }, replicas: { type: 'integer' } } },
    },
  };
  const spec = {
    group: of.group,
    scope: 'Namespaced',
    names: { plural: of.plural, singular: 'website', kind: 'Website' },
    versions: [{ name: of.version, served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: website } }],
  };
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${of.plural}.${of.group}` } };
  await KubernetesObjectApi.makeApiClient(config).create({ ...definition, spec } as typeof definition);
  await eventually('the kind is served', () => custom.listNamespacedCustomObject(of).then(Boolean, () => false));
});
after(() => cluster.stop());

/** Level-triggered: whatever is told of an object, the whole of it is looked at again. Failures are tried again. */
async function startOperator(): Promise<{ stop(): Promise<void> }> {
  const websites = makeInformer<Website>(config, `/apis/${of.group}/${of.version}/namespaces/${namespace}/${of.plural}`, () =>
    custom.listNamespacedCustomObject(of),
  );
  const deployments = makeInformer<V1Deployment>(config, `/apis/apps/v1/namespaces/${namespace}/deployments`, () =>
    apps.listNamespacedDeployment({ namespace }),
  );
  const queue = new Map<string, Promise<void>>();
  let stopped = false;
  const enqueue = (name: string): void => {
    const work = (queue.get(name) ?? Promise.resolve()).then(async () => {
      while (
        !stopped &&
        !(await reconcile(name).then(
          () => true,
          () => false,
        ))
      )
        await new Promise((resolve) => setTimeout(resolve, 20));
    });
    queue.set(name, work);
  };
  const owned = (deployment: V1Deployment): void => {
    const owner = deployment.metadata?.ownerReferences?.find(({ kind }) => kind === 'Website');
    if (owner) enqueue(owner.name);
  };

  async function reconcile(name: string): Promise<void> {
    const website = websites.get(name, namespace);
    if (!website) return;
    const { uid, deletionTimestamp, finalizers = [], generation } = website.metadata ?? {};
    if (deletionTimestamp) {
      if (!finalizers.includes(finalizer)) return;
      await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: `${name}-was-here` } } }).catch((error: { code: number }) => {
        if (error.code !== 409) throw error;
      });
      await custom.patchNamespacedCustomObject({ ...of, name, body: { metadata: { finalizers: finalizers.filter((one) => one !== finalizer) } } }, merge);
      return;
    }
    if (!finalizers.includes(finalizer)) {
      await custom.patchNamespacedCustomObject({ ...of, name, body: { metadata: { finalizers: [...finalizers, finalizer] } } }, merge);
    }
    const ownerReferences = [
      { apiVersion: `${of.group}/${of.version}`, kind: 'Website', name, uid: uid as string, controller: true, blockOwnerDeletion: true },
    ];
    const labels = { website: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, ownerReferences },
      spec: { replicas: website.spec.replicas, selector: { matchLabels: labels }, template },
    };
    const applied = await apps.patchNamespacedDeployment(
      { name, namespace, body, fieldManager: 'websites', force: true },
      setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
    const status = { observedGeneration: generation as number, replicas: applied.status?.replicas ?? 0 };
    if (website.status?.observedGeneration === status.observedGeneration && website.status?.replicas === status.replicas) return;
    await custom.patchNamespacedCustomObjectStatus({ ...of, name, body: { status } }, merge);
  }

  for (const verb of ['add', 'update', 'delete'] as const) {
    websites.on(verb, (one) => enqueue(one.metadata?.name as string));
    deployments.on(verb, owned);
  }
  const informers: Informer<KubernetesObject>[] = [websites, deployments];
  for (const informer of informers) await informer.start();
  return {
    async stop() {
      stopped = true;
      for (const informer of informers) await informer.stop();
      await Promise.all(queue.values());
    },
  };
}

const get = async (name: string): Promise<Website> => (await custom.getNamespacedCustomObject({ ...of, name })) as Website;
const deployment = (name: string): Promise<V1Deployment | undefined> =>
  apps.readNamespacedDeployment({ namespace, name }).catch((error: { code: number }) => {
    if (error.code !== 404) throw error;
    return undefined;
  });
const create = (name: string, replicas: number): Promise<unknown> =>
  custom.createNamespacedCustomObject({ ...of, body: { apiVersion: `${of.group}/${of.version}`, kind: 'Website', metadata: { name }, spec: { replicas } } });

test('an operator makes what a custom resource asks for, mends it, and tells its status', async () => {
  const operator = await startOperator();
  try {
    await create('shop', 2);
    await eventually('the status tells of two pods', async () => (await get('shop')).status?.replicas === 2);
    const first = await deployment('shop');
    assert.equal(first?.metadata?.managedFields?.find(({ manager }) => manager === 'websites')?.operation, 'Apply');

    await custom.patchNamespacedCustomObject({ ...of, name: 'shop', body: { spec: { replicas: 3 } } }, merge);
    await eventually('the status follows', async () => (await get('shop')).status?.replicas === 3);
    const { metadata, status } = await get('shop');
    assert.deepEqual([metadata?.generation, status?.observedGeneration], [2, 2], 'a status is no new generation');

    await apps.deleteNamespacedDeployment({ namespace, name: 'shop' });
    await eventually('a deleted Deployment comes back', async () => {
      const again = await deployment('shop');
      return again !== undefined && again.metadata?.uid !== first?.metadata?.uid;
    });
    await assert.rejects(
      create('broken', -1),
      (error: { code: number; body: string }) => error.code === 422 && /spec\.replicas.*greater than or equal to 0/.test(error.body),
    );
  } finally {
    await operator.stop();
  }
});

test('what happened while the operator was away is made up for; a finalizer lets it finish, and what it made goes', async () => {
  await create('blog', 1);
  await custom.deleteNamespacedCustomObject({ ...of, name: 'shop' });
  assert.ok((await get('shop')).metadata?.deletionTimestamp, 'the finalizer holds it');
  const operator = await startOperator();
  try {
    await eventually('the new one is served', async () => (await get('blog')).status?.replicas === 1);
    await eventually('the old one is gone', () =>
      get('shop').then(
        () => false,
        (error: { code: number }) => error.code === 404,
      ),
    );
    assert.ok(await core.readNamespacedConfigMap({ namespace, name: 'shop-was-here' }));
    await eventually('its Deployment too', async () => (await deployment('shop')) === undefined);
  } finally {
    await operator.stop();
  }
});
