import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { serviceaccounts } from '../../../src/api/core/v1/serviceaccount.ts';
import { rootCaPublisherController } from '../../../src/controllers/rootcapublisher.ts';
import { serviceAccountController } from '../../../src/controllers/serviceaccount/serviceaccount.ts';
import { eventually, startCluster } from './harness.ts';

test('a namespace gets a service account and the CA, and gets them back', async () => {
  await using cluster = await startCluster({ controllers: [serviceAccountController, rootCaPublisherController], settings: { rootCa: 'PEM' } });
  const { client } = cluster;
  await client.resource(namespaces).create({ metadata: { name: 'new' }, spec: {} });
  const accounts = client.resource(serviceaccounts);
  const maps = client.resource(configmaps);
  const both = async () => {
    const account = await accounts.get('new', 'default').catch(() => undefined);
    const map = await maps.get('new', 'kube-root-ca.crt').catch(() => undefined);
    return account && map?.data?.['ca.crt'] === 'PEM';
  };
  await eventually(both, 'account and CA');
  await accounts.delete('new', 'default');
  await maps.patch('new', 'kube-root-ca.crt', 'merge', { data: { 'ca.crt': 'wrong' } });
  assert.ok(await eventually(both, 'account and CA again'));
});
