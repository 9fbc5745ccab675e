import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps } from '../../../src/api/core/v1/configmap.ts';
import { pods as podKind } from '../../../src/api/core/v1/pod.ts';
import { resourcequotas } from '../../../src/api/core/v1/resourcequota.ts';
import { podGarbageCollectorController } from '../../../src/controllers/podgc.ts';
import { resourceQuotaController } from '../../../src/controllers/resourcequota/resourcequota.ts';
import { eventually, startCluster } from './harness.ts';

const pod = (name: string, cpu: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'main', image: 'web', resources: { requests: { cpu }, limits: { cpu } } }] },
});

test('a quota shows what its namespace uses, and gets back what is gone', async () => {
  await using cluster = await startCluster({ controllers: [resourceQuotaController] });
  const quotas = cluster.client.resource(resourcequotas);
  const maps = cluster.client.resource(configmaps);
  const pods = cluster.client.resource(podKind);
  const usedIs = (used: Record<string, string>) =>
    eventually(async () => {
      const { status } = await quotas.get('default', 'quota');
      return JSON.stringify(Object.entries(status?.used ?? {}).sort()) === JSON.stringify(Object.entries(used).sort());
    }, JSON.stringify(used));
  await maps.create({ metadata: { name: 'one', namespace: 'default' } });
  await maps.create({ metadata: { name: 'elsewhere', namespace: 'kube-system' } });
  await pods.create(pod('a', '250m'));
  const hard = { configmaps: '5', 'count/configmaps': '5', 'requests.cpu': '2', pods: '4', 'count/deployments.apps': '3' };
  await quotas.create({ metadata: { name: 'quota', namespace: 'default' }, spec: { hard } });
  await usedIs({ configmaps: '1', 'count/configmaps': '1', 'requests.cpu': '250m', pods: '1', 'count/deployments.apps': '0' });
  await pods.create(pod('b', '1'));
  await maps.delete('default', 'one');
  await usedIs({ configmaps: '0', 'count/configmaps': '0', 'requests.cpu': '1250m', pods: '2', 'count/deployments.apps': '0' });
  const ended = await pods.get('default', 'b');
  await pods.updateStatus({ ...ended, status: { ...ended.status, phase: 'Succeeded' } });
  await usedIs({ configmaps: '0', 'count/configmaps': '0', 'requests.cpu': '250m', pods: '1', 'count/deployments.apps': '0' });
  assert.deepEqual((await quotas.get('default', 'quota')).status?.hard, hard);
});

test('what admission has noted is not taken back for something new that is seen', async () => {
  await using cluster = await startCluster({ controllers: [resourceQuotaController] });
  const quotas = cluster.client.resource(resourcequotas);
  const pods = cluster.client.resource(podKind);
  const used = async () => (await quotas.get('default', 'quota')).status?.used;
  const usedIs = (pods: string, configmaps: string) =>
    eventually(async () => JSON.stringify(await used()) === JSON.stringify({ configmaps, pods }), `${pods} pods and ${configmaps} maps`);
  await cluster.client.resource(configmaps).create({ metadata: { name: 'one', namespace: 'default' } });
  await quotas.create({ metadata: { name: 'quota', namespace: 'default' }, spec: { hard: { configmaps: '5', pods: '9' } } });
  await usedIs('0', '1');
  // Two pods that are not written yet; and a map that nobody has noted, by which the count shows.
  const noted = await quotas.get('default', 'quota');
  await quotas.updateStatus({ ...noted, status: { ...noted.status, used: { configmaps: '0', pods: '2' } } });
  await pods.create(pod('a', '1'));
  await usedIs('2', '1');
  await pods.delete('default', 'a', { gracePeriodSeconds: 0 });
  await usedIs('0', '1');
});

test('what admission noted for what was never written is given back after a while', async () => {
  await using cluster = await startCluster({ controllers: [resourceQuotaController] });
  const quotas = cluster.client.resource(resourcequotas);
  const maps = cluster.client.resource(configmaps);
  await quotas.create({ metadata: { name: 'quota', namespace: 'default' }, spec: { hard: { configmaps: '1000' } } });
  const usedIs = (count: string) =>
    eventually(async () => String((await quotas.get('default', 'quota')).status?.used?.['configmaps']) === count, count, 20_000);
  await usedIs('0');
  for (const name of ['stays', 'goes']) await maps.create({ metadata: { name, namespace: 'default' } });
  await maps.delete('default', 'goes');
  await usedIs('1');
  // As a server leaves it that is killed between what it notes and what it writes; nothing that goes makes anybody count.
  const noted = await quotas.get('default', 'quota');
  await quotas.updateStatus({ ...noted, status: { ...noted.status, used: { configmaps: '6' } } });
  await usedIs('6');
  await usedIs('1');
});

test('ended pods beyond the threshold are deleted, the oldest first', async () => {
  await using cluster = await startCluster({
    controllers: [podGarbageCollectorController],
    kubelet: () => undefined,
    settings: { terminatedPodGCThreshold: 1 },
    prepare: async (client) => {
      const pods = client.resource(podKind);
      for (const name of ['a', 'b', 'c']) {
        const created = await pods.create(pod(name, '1'));
        await pods.updateStatus({ ...created, status: { ...created.status, phase: 'Succeeded' } });
      }
    },
  });
  await eventually(async () => (await cluster.pods()).map(({ metadata }) => metadata.name).join() === 'c', 'the others to go');
});
